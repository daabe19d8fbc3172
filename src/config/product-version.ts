import { readFileSync } from "node:fs";

/** From src/config, and from dist/src/config, where the compiled file stands. */
const candidates = ["../../package.json", "../../../package.json"];

/** The version in Troupe's own package.json. */
export function readProductVersion(): string {
  const versions = candidates.map((path) => versionIn(new URL(path, import.meta.url)));
  return versions.find((version) => version !== undefined) ?? "unknown";
}

function versionIn(url: URL): string | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(url, "utf8"));
    if (typeof content !== "object" || content === null) return undefined;
    if (!("name" in content && "version" in content) || content.name !== "troupe") return undefined;
    return String(content.version);
  } catch {
    // Not there, or someone else's: the next candidate may be ours.
    return undefined;
  }
}
