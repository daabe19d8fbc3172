import { isVersionName, versionRule } from "../protocol/model-name.ts";
import { compareVersions } from "../protocol/version-order.ts";

/** What a folder holds, links not followed. */
export interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder" | "link-to-folder" | "link" | "other";
  /** Of a file that is there: what tells it from what it was before. */
  readonly stamp?: string;
}

export interface Listing {
  readonly entries: readonly Entry[];
  /** What its sub-folders hold, by name; names with a dot in front are left out. */
  readonly folders: ReadonlyMap<string, readonly Entry[]>;
}

/** A version that was found, with the path of its file inside the model's folder, or why it cannot be served. */
export type FoundVersion =
  | { readonly type: "good"; readonly version: string; readonly path: readonly string[] }
  | { readonly type: "bad"; readonly version: string; readonly problem: string };

export type Layout =
  | { readonly type: "found"; readonly versions: readonly FoundVersion[] }
  | { readonly type: "problem"; readonly problem: string };

type Choice =
  | { readonly type: "file"; readonly name: string }
  | { readonly type: "problem"; readonly problem: string }
  | { readonly type: "none" };

export const usualName = "model.onnx";
const configName = "model.yaml";
const flatVersion = "1";

/**
 * Versions are sorted, oldest first; a sub-folder without any .onnx file is no version. A file beside the folders of
 * versions is version 1, so that a model without versions can get a second one. With a `fileName` no other file counts.
 */
export function layOut({ entries, folders }: Listing, fileName: string | null = null): Layout {
  const flat = chooseFile(entries, fileName);
  if (flat.type === "problem") return flat;
  const inFolders = [...folders]
    .flatMap(([name, inside]) => readVersion(name, inside, fileName))
    .concat(entries.flatMap(readLink));
  if (flat.type === "file" && inFolders.some(({ version }) => version === flatVersion)) {
    const problem = `holds version ${flatVersion} twice: ${flat.name} and the folder ${flatVersion}`;
    return { type: "problem", problem };
  }
  const versions = [...flatVersions(flat), ...inFolders];
  if (versions.length === 0)
    return { type: "problem", problem: `holds no ${fileName ?? ".onnx file"}` };
  versions.sort((left, right) => compareVersions(left.version, right.version));
  return { type: "found", versions };
}

function flatVersions(flat: Choice): FoundVersion[] {
  return flat.type === "file" ? [{ type: "good", version: flatVersion, path: [flat.name] }] : [];
}

const noWeights = /^\.|\.(onnx|ya?ml|pbtxt|md)$/i;

/** The files beside a version's own that may hold its weights, sorted; links are left out. */
export function besideOf(listing: Listing, path: readonly string[]): readonly string[] {
  return entriesAround(listing, path)
    .filter(({ name, kind }) => kind === "file" && !noWeights.test(name))
    .map(({ name }) => name)
    .sort(compareVersions);
}

/** What lies in the same folder as a version's file, with that itself. */
export function entriesAround(
  { entries, folders }: Listing,
  path: readonly string[],
): readonly Entry[] {
  const [folder = ""] = path;
  return path.length > 1 ? (folders.get(folder) ?? []) : entries;
}

/** model.onnx, or else the only .onnx file. */
function chooseFile(entries: readonly Entry[], fileName: string | null): Choice {
  const candidates = entries
    .filter(({ name }) => name.endsWith(".onnx") && !name.startsWith("."))
    .filter(({ name }) => fileName === null || name === fileName);
  const chosen =
    candidates.find(({ name }) => name === usualName) ??
    (candidates.length === 1 ? candidates[0] : undefined);
  if (chosen !== undefined) {
    return chosen.kind === "file"
      ? { type: "file", name: chosen.name }
      : { type: "problem", problem: notRegular(chosen) };
  }
  if (candidates.length === 0) return { type: "none" };
  const names = candidates.map(({ name }) => name).sort(compareVersions);
  const problem = `holds several .onnx files (${names.join(", ")}) and none is called ${usualName}`;
  return { type: "problem", problem };
}

export function notRegular({ name, kind }: Entry): string {
  const isLink = kind === "link" || kind === "link-to-folder";
  return isLink ? `${name} is a symbolic link` : `${name} is not a regular file`;
}

function readVersion(
  version: string,
  entries: readonly Entry[],
  fileName: string | null,
): FoundVersion[] {
  const choice = chooseFile(entries, fileName);
  if (choice.type === "none") return [];
  if (choice.type === "problem") return [bad(version, `version ${version}: ${choice.problem}`)];
  if (!isVersionName(version)) {
    return [bad(version, `the name of version ${JSON.stringify(version)} is not ${versionRule}`)];
  }
  if (entries.some(({ name }) => name === configName)) {
    return [
      bad(version, `version ${version}: ${configName} belongs beside the folders of versions`),
    ];
  }
  return [{ type: "good", version, path: [version, choice.name] }];
}

function readLink({ name, kind }: Entry): FoundVersion[] {
  const isVersion = kind === "link-to-folder" && !name.startsWith(".") && !name.endsWith(".onnx");
  return isVersion ? [bad(name, `version ${name} is a symbolic link`)] : [];
}

function bad(version: string, problem: string): FoundVersion {
  return { type: "bad", version, problem };
}
