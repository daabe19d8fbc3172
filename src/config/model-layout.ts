import { isName, nameRule } from "./model-name.ts";
import { compareVersions } from "./version-order.ts";

/** What a folder holds, links not followed. */
export interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder" | "link-to-folder" | "link" | "other";
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

const usualName = "model.onnx";
const configName = "model.yaml";
const flatVersion = "1";

/** Versions are sorted, oldest first; a sub-folder without any .onnx file is no version. */
export function layOut({ entries, folders }: Listing): Layout {
  const flat = chooseFile(entries);
  const versions = [...folders]
    .flatMap(([name, inside]) => readVersion(name, inside))
    .concat(entries.flatMap(readLink))
    .sort((left, right) => compareVersions(left.version, right.version));
  if (flat.type === "none") {
    return versions.length === 0
      ? { type: "problem", problem: "holds no .onnx file" }
      : { type: "found", versions };
  }
  if (versions.length > 0) {
    const names = versions.map(({ version }) => version).join(", ");
    const problem = `holds both an .onnx file and folders of versions (${names}), where only one is allowed`;
    return { type: "problem", problem };
  }
  if (flat.type === "problem") return flat;
  const only: FoundVersion = { type: "good", version: flatVersion, path: [flat.name] };
  return { type: "found", versions: [only] };
}

/** model.onnx, or else the only .onnx file. */
function chooseFile(entries: readonly Entry[]): Choice {
  const candidates = entries.filter(({ name }) => name.endsWith(".onnx") && !name.startsWith("."));
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

function readVersion(version: string, entries: readonly Entry[]): FoundVersion[] {
  const choice = chooseFile(entries);
  if (choice.type === "none") return [];
  if (choice.type === "problem") return [bad(version, `version ${version}: ${choice.problem}`)];
  if (!isName(version)) {
    return [bad(version, `the name of version ${JSON.stringify(version)} is not ${nameRule}`)];
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
