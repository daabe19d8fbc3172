// Owns the look at the models folder: what is listed, and which versions that makes.
// What a listing means is decided in model-layout.ts and wanted-versions.ts; nothing is followed, loaded or changed.
import type { Dirent, Stats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { NamedFile } from "../protocol/control.ts";
import { TroupeError } from "../protocol/errors.ts";
import { isName, nameRule } from "../protocol/model-name.ts";
import type { ModelConfig } from "../protocol/model-settings.ts";
import { compareVersions } from "../protocol/version-order.ts";
import {
  type ConfigNotes,
  codeOf,
  type FoundConfig,
  readConfig,
  whyUnreadable,
} from "./config-file.ts";
import { stampAt } from "./file-stamp.ts";
import { defaultModelConfig } from "./model-config.ts";
import {
  besideOf,
  type Entry,
  entriesAround,
  type FoundVersion,
  type Listing,
  layOut,
  usualName,
} from "./model-layout.ts";
import { discoverSchwift } from "./schwift-folder.ts";
import { missingVersions, selectVersions } from "./wanted-versions.ts";

export interface ModelVersion {
  readonly version: string;
  /** An absolute path. */
  readonly file: string;
  /** Files in the same folder that may hold its weights, sorted. */
  readonly beside: readonly NamedFile[];
  /** How its files looked; absent where nobody has looked. */
  readonly stamps?: FileStamps;
}

/** By path: what tells a file from what it was before. */
export type FileStamps = Readonly<Record<string, string>>;

/** The model's file first, then those that it may keep its weights in. */
export function pathsOf({ file, beside }: ModelVersion): readonly string[] {
  return [file, ...beside.map((one) => one.file)];
}

interface FoundModel {
  /** The sub-folder's name, whatever it is: one that is no model's name has a problem. */
  readonly name: string;
  /** All that could be served, oldest first. */
  readonly versions: readonly ModelVersion[];
  readonly notes?: ConfigNotes;
}

/** One model of the folder; `problem`, where there is one, says why none of its versions may be loaded. */
export type ModelFolder = ServableModel | UnservableModel;

export interface ServableModel extends FoundModel {
  readonly config: ModelConfig;
  /** Those of `versions` that are to be loaded, at least one. */
  readonly wanted: readonly ModelVersion[];
  readonly problem?: undefined;
}

export interface UnservableModel extends FoundModel {
  readonly config: ModelConfig | TroupeError;
  readonly wanted: readonly [];
  /** Completes "model iris …" or stands alone; without absolute paths. */
  readonly problem: string;
}

/** Stands at the root of every ext4 volume, such as one that is mounted as the models folder. */
const volumeRescue = "lost+found";

/**
 * Every sub-folder as a model, sorted by name, and behind them those that SchwiftServe's files describe; other loose
 * files and names with a dot in front are left out. Throws
 * TroupeError `invalid-model` where there is no such folder; a model's own problem never hides the others.
 */
export async function discoverModels(folder: string): Promise<readonly ModelFolder[]> {
  const models = (await listModels(folder))
    .filter(({ kind }) => kind === "folder" || kind === "link-to-folder")
    .filter(({ name }) => mayBeModel(name))
    .sort((left, right) => compareVersions(left.name, right.name));
  const found: ModelFolder[] = [];
  // One after the other: thousands at once would run out of file descriptors.
  for (const entry of models) found.push(await look(resolve(folder), entry));
  const loose = await discoverSchwift(resolve(folder));
  const isFree = ({ name }: ModelFolder) => found.every((one) => one.name !== name);
  return [...found, ...loose.filter(isFree)];
}

/** What is not so yet: a model.yaml that says something else, a version that is added. */
export interface Foreseen {
  readonly config?: ModelConfig;
  readonly version?: string;
}

/**
 * One model, as `discoverModels` finds it, or will find it; undefined where there is no such sub-folder. Throws
 * TroupeError `invalid-model` where that cannot be told.
 */
export async function discoverModel(
  folder: string,
  name: string,
  foreseen: Foreseen = {},
): Promise<ModelFolder | undefined> {
  if (!mayBeModel(name)) return undefined;
  const kind = await kindOfModel(folder, name);
  if (kind === "folder" || kind === "link-to-folder") {
    return look(resolve(folder), { name, kind }, foreseen);
  }
  const loose = await discoverSchwift(resolve(folder)).catch(() => []);
  return loose.find((model) => model.name === name);
}

/** As it will be where nothing of it is there yet. */
export function foreseeModel(folder: string, name: string, foreseen: Foreseen): ModelFolder {
  const { config = defaultModelConfig } = foreseen;
  const listing = withVersion({ entries: [], folders: new Map() }, foreseen);
  return judge({ folder: resolve(folder), name, found: { config }, listing, foreseen });
}

function withVersion({ entries, folders }: Listing, { version }: Foreseen): Listing {
  if (version === undefined) return { entries, folders };
  const added: readonly Entry[] = [{ name: usualName, kind: "file" }];
  return { entries, folders: new Map(folders).set(version, added) };
}

/** Never a path out of the models folder. */
function mayBeModel(name: string): boolean {
  return /^[^./\0][^/\0]*$/.test(name) && name !== volumeRescue;
}

async function kindOfModel(folder: string, name: string): Promise<Entry["kind"] | undefined> {
  try {
    return await kindOf(folder, name, await lstat(join(folder, name)));
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return undefined;
    const words = `Cannot serve model ${name}: its folder ${whyUnreadable(thrown)}`;
    throw new TroupeError("invalid-model", words, { cause: thrown });
  }
}

async function listModels(folder: string): Promise<Entry[]> {
  try {
    return await listFolder(folder);
  } catch (thrown) {
    const words = `Cannot serve models: ${folder} ${whyUnreadable(thrown)}; --models names their folder`;
    throw new TroupeError("invalid-model", words, { cause: thrown });
  }
}

async function look(
  folder: string,
  { name, kind }: Entry,
  foreseen: Foreseen = {},
): Promise<ModelFolder> {
  const broken = (problem: string): UnservableModel =>
    unservable({ name, versions: [], config: defaultModelConfig }, problem);
  if (!isName(name)) return broken(`has a name that is not ${nameRule}`);
  if (kind === "link-to-folder") return broken("is a symbolic link");
  try {
    const listing = withVersion(await listModel(join(folder, name)), foreseen);
    const found =
      foreseen.config === undefined
        ? await readConfig(folder, name, listing.entries)
        : { config: foreseen.config };
    return judge({ folder, name, found, listing, foreseen });
  } catch (thrown) {
    return broken(whyUnreadable(thrown));
  }
}

async function listModel(folder: string): Promise<Listing> {
  const entries = await listFolder(folder);
  const names = entries
    .filter(
      ({ name, kind }) => kind === "folder" && !name.startsWith(".") && !name.endsWith(".onnx"),
    )
    .map(({ name }) => name);
  const inside = names.map(async (name) => [name, await listFolder(join(folder, name))] as const);
  return { entries, folders: new Map(await Promise.all(inside)) };
}

async function listFolder(folder: string): Promise<Entry[]> {
  const found = await readdir(folder, { withFileTypes: true });
  return Promise.all(
    found.map(async (entry) => ({
      name: entry.name,
      kind: await kindOf(folder, entry.name, entry),
      ...(entry.isFile() ? await stampIn(folder, entry.name) : {}),
    })),
  );
}

async function stampIn(folder: string, name: string): Promise<Pick<Entry, "stamp">> {
  const stamp = await stampAt(join(folder, name));
  return stamp === undefined ? {} : { stamp };
}

async function kindOf(folder: string, name: string, entry: Dirent | Stats): Promise<Entry["kind"]> {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (!entry.isSymbolicLink()) return "other";
  const target = await stat(join(folder, name)).catch(() => undefined);
  return target?.isDirectory() === true ? "link-to-folder" : "link";
}

interface Looked {
  readonly folder: string;
  readonly name: string;
  readonly found: FoundConfig;
  readonly listing: Listing;
  readonly foreseen: Foreseen;
}

function judge(looked: Looked): ModelFolder {
  const { folder, name, listing, foreseen } = looked;
  const { config, ...others } = looked.found;
  const triton = config instanceof TroupeError ? undefined : config.triton;
  const layout = layOut(triton === undefined ? listing : numbersOf(listing), triton?.modelFile);
  const found = layout.type === "found" ? layout.versions : [];
  const versions = found.flatMap((one) => locate(join(folder, name), listing, one));
  const broken = (problem: string): UnservableModel =>
    unservable({ name, versions, config, ...others }, problem);
  // First: where a configuration names another backend, nobody misses a model in ONNX.
  if (config instanceof TroupeError) return broken(config.message);
  if (layout.type === "problem") return broken(layout.problem);
  const names = found.map(({ version }) => version);
  const selection = selectVersions(names, config, foreseen.version);
  if (selection.type === "problem") return broken(selection.problem);
  const selected = found.filter(({ version }) => selection.names.includes(version));
  const bad = selected.find((one) => one.type === "bad");
  if (bad !== undefined) return broken(bad.problem);
  const wanted = versions.filter(({ version }) => selection.names.includes(version));
  const notes = warnOfMissing(others.notes, missingVersions(names, config));
  return { name, config, versions, wanted, ...(notes && { notes }) };
}

/** Where something is served all the same. */
function warnOfMissing(
  notes: ConfigNotes | undefined,
  missing: readonly string[],
): ConfigNotes | undefined {
  if (notes === undefined || missing.length === 0) return notes;
  const words = `version_policy lists ${missing.join(", ")}, which the folder does not hold`;
  return { ...notes, warnings: [...notes.warnings, words] };
}

/** Triton takes no other folders for versions. */
function numbersOf({ entries, folders }: Listing): Listing {
  const isNumber = (name: string) => /^[1-9]\d*$/.test(name);
  return {
    entries: entries.filter(({ name, kind }) => kind !== "link-to-folder" || isNumber(name)),
    folders: new Map([...folders].filter(([name]) => isNumber(name))),
  };
}

function unservable(
  found: Pick<UnservableModel, "name" | "versions" | "config" | "notes">,
  problem: string,
): UnservableModel {
  return { ...found, wanted: [], problem };
}

function locate(folder: string, listing: Listing, found: FoundVersion): ModelVersion[] {
  if (found.type === "bad") return [];
  const file = join(folder, ...found.path);
  const beside = besideOf(listing, found.path).map((name) => ({
    name,
    file: join(dirname(file), name),
  }));
  const names = [basename(file), ...beside.map(({ name }) => name)];
  const around = entriesAround(listing, found.path).filter(({ name }) => names.includes(name));
  const stamps = Object.fromEntries(
    around.flatMap(({ name, stamp }) =>
      stamp === undefined ? [] : [[join(dirname(file), name), stamp]],
    ),
  );
  return [{ version: found.version, file, beside, stamps }];
}
