/* How far a model's folder has moved away from what runs of it, since somebody may write to it at any time. */
import {
  type FileStamps,
  type ModelFolder,
  type ModelVersion,
  pathsOf,
} from "../src/config/model-folder.ts";
import type { Digests } from "./file-digest.ts";
import type { HostGroup } from "./host-group.ts";
import type { KnownModel } from "./model-registry.ts";

/** What the next start would find otherwise than it is now; null where nothing serves, or nothing has changed. */
export function driftOf({ folder, life }: KnownModel): string | null {
  const isUnderWay = life.groups.some(({ stage }) => stage === "new");
  if (life.serving.length === 0 || isUnderWay) return null;
  if (folder.problem !== undefined)
    return `serves what it was, but cannot be loaded again: ${folder.problem}`;
  const replaced = folder.versions.find((version) => isReplaced(version, life.serving));
  if (replaced === undefined) return null;
  return `serves version '${replaced.version}' as it was, but its file has been replaced since it was loaded`;
}

/** As far as can be seen from outside: a file that was only touched counts. */
function isReplaced(version: ModelVersion, serving: readonly HostGroup[]): boolean {
  const group = groupOf(version, serving);
  return group !== undefined && changedPaths(version, group.stamps).length > 0;
}

/** The versions that serve from files that hold something else by now. One that was only touched is taken note of. */
export async function replacedVersions(
  { versions }: Pick<ModelFolder, "versions">,
  serving: readonly HostGroup[],
  digests: Pick<Digests, "of" | "recall">,
): Promise<ReadonlySet<string>> {
  const replaced = new Set<string>();
  for (const version of versions) {
    const group = groupOf(version, serving);
    if (group === undefined) continue;
    const changed = changedPaths(version, group.stamps);
    const before = changed.map((path) => digests.recall(group.stamps[path] ?? ""));
    const now = await Promise.all(changed.map((path) => digests.of(path).catch(() => null)));
    if (now.every((digest, index) => digest !== null && digest === before[index])) {
      group.stamps = version.stamps ?? group.stamps;
    } else {
      replaced.add(version.version);
    }
  }
  return replaced;
}

function groupOf({ version, file }: ModelVersion, serving: readonly HostGroup[]) {
  return serving.find(({ plan }) => plan.version === version && plan.file === file);
}

/** Files that came later, and those that nobody has looked at, are no change. */
function changedPaths(version: ModelVersion, before: FileStamps): readonly string[] {
  const now = version.stamps ?? {};
  return pathsOf(version).filter((path) => {
    const [then, current] = [before[path], now[path]];
    return then !== undefined && current !== undefined && then !== current;
  });
}
