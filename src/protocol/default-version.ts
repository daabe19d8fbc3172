import type { ModelView, VersionState, VersionView } from "./views.ts";

/** From the best to the worst, for requests that name no version. */
const preferred: readonly VersionState[] = ["ready", "recovering", "loading", "unavailable"];

/** The configured one while it can serve; else the newest ready, else the newest that may come to be so. */
export function defaultVersion({
  versions,
  defaultVersion: configured,
}: Pick<ModelView, "versions" | "defaultVersion">): VersionView | undefined {
  const chosen = versions.find(({ version }) => version === configured);
  if (chosen?.state === "ready" || chosen?.state === "recovering") return chosen;
  for (const state of preferred) {
    const found = versions.findLast((one) => one.state === state);
    if (found !== undefined) return found;
  }
  return versions.at(-1);
}
