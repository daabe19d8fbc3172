/* How the models folder looks from outside, and what has become different since; nothing is opened or followed. */
import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { stampOf } from "../src/config/file-stamp.ts";
import { type ModelFolder, pathsOf } from "../src/config/model-folder.ts";
import { discoverSchwift } from "../src/config/schwift-folder.ts";
import { compareVersions } from "../src/protocol/version-order.ts";
import { errorCodeOf } from "./storage.ts";

/** A text for each model that is another one when something in its folder is. */
export type FolderLook = ReadonlyMap<string, string>;

export interface LookVerdict {
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** What the next look is compared with: the models as they were when last called changed. */
  readonly settled: FolderLook;
}

/** Files of a version's folder lie two levels below the model's. */
const levels = 2;

/** Throws where the folder itself cannot be read: that is not the same as an empty one. */
export async function lookAt(modelsFolder: string): Promise<FolderLook> {
  const look = new Map<string, string>();
  for (const name of await namesIn(modelsFolder)) {
    const stats = await statsOf(join(modelsFolder, name));
    if (stats === undefined || !(stats.isDirectory() || stats.isSymbolicLink())) continue;
    look.set(name, (await describe(modelsFolder, name, levels)).join("\n"));
  }
  for (const model of await discoverSchwift(resolve(modelsFolder))) {
    if (!look.has(model.name)) look.set(model.name, await describeLoose(modelsFolder, model));
  }
  return look;
}

/** Of a model without a folder of its own: its file, and that which describes it. */
async function describeLoose(
  modelsFolder: string,
  { problem, notes, versions }: ModelFolder,
): Promise<string> {
  const root = resolve(modelsFolder);
  const files = versions.flatMap(pathsOf).map((file) => relative(root, file));
  const described = [...(notes?.foreign === undefined ? [] : [notes.foreign.file]), ...files];
  const lines = await Promise.all(described.map((path) => describe(root, path, 0)));
  return [problem ?? "", ...lines.flat()].join("\n");
}

/** Names sorted; those with a dot in front are nobody's business. */
async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => !name.startsWith(".")).sort(compareVersions);
}

async function describe(root: string, path: string, below: number): Promise<string[]> {
  const stats = await statsOf(join(root, path));
  if (stats === undefined) return [];
  const line = `${JSON.stringify(path)} ${lookOf(stats)}`;
  if (!stats.isDirectory() || below === 0) return [line];
  try {
    const lines = [line];
    for (const name of await namesIn(join(root, path))) {
      lines.push(...(await describe(root, join(path, name), below - 1)));
    }
    return lines;
  } catch (thrown) {
    return [`${line} ${errorCodeOf(thrown) ?? "unreadable"}`];
  }
}

/** Undefined where it is gone by now, or hidden. */
function statsOf(path: string): Promise<BigIntStats | undefined> {
  return lstat(path, { bigint: true }).catch(() => undefined);
}

/** The time of a folder tells of hidden files too, and of nothing that its entries do not tell. */
function lookOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return `folder ${stats.ino}`;
  return `${stats.isFile() ? "file" : "other"} ${stampOf(stats)}`;
}

/**
 * Only what two looks in a row agree on counts, so that a file is never read while it is being written. Nothing counts
 * without a look before.
 */
export function judgeLook(
  previous: FolderLook | undefined,
  settled: FolderLook,
  current: FolderLook,
): LookVerdict {
  if (previous === undefined) return { changed: [], removed: [], settled };
  const isChanged = ([name, look]: [string, string]) =>
    look !== settled.get(name) && look === previous.get(name);
  const changes = [...current].filter(isChanged);
  const removed = [...settled.keys()].filter((name) => !current.has(name) && !previous.has(name));
  const left = [...settled].filter(([name]) => !removed.includes(name));
  return {
    changed: changes.map(([name]) => name),
    removed,
    settled: new Map([...left, ...changes]),
  };
}

const mostPaths = 5;

/** What has become different in a model's folder between two looks, in words; undefined is no such folder. */
export function differenceOf(
  model: string,
  before: string | undefined,
  now: string | undefined,
): string {
  if (now === undefined) return "its folder is gone";
  // Empty where it is only to be looked at again.
  if (before === undefined || before === "") return "its folder is there";
  const [old, fresh] = [filesIn(before), filesIn(now)];
  const paths = [...new Set([...fresh.keys(), ...old.keys()])].sort(compareVersions);
  const words = paths.flatMap((path) =>
    changeOf(path.slice(model.length + 1), old.get(path), fresh.get(path)),
  );
  if (words.length === 0) return "its folders changed";
  const others = words.length - mostPaths;
  const shown = words.slice(0, mostPaths).join(", ");
  return others > 0 ? `${shown}, and ${others} more` : shown;
}

function changeOf(path: string, before: string | undefined, now: string | undefined): string[] {
  if (before === now) return [];
  if (before === undefined) return [`${path} added`];
  return [now === undefined ? `${path} removed` : `${path} changed`];
}

/** By path the stamp of all that is no folder. */
function filesIn(look: string): ReadonlyMap<string, string> {
  const lines = look.split("\n").map((line) => /^("(?:[^"\\]|\\.)*") (.*)$/.exec(line));
  return new Map(
    lines.flatMap((match) => {
      const [, path = '""', stamp = "folder"] = match ?? [];
      return stamp.startsWith("folder") ? [] : [[String(JSON.parse(path)), stamp] as const];
    }),
  );
}
