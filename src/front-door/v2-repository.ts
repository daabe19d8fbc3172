/* The repository extension of Open Inference V2 in pure parts: what the index says, and what a load may ask for. */
import { TroupeError } from "../protocol/errors.ts";
import { isVersionName } from "../protocol/model-name.ts";
import { maxConfigBytes, maxUploadFiles, type UploadedFile } from "../protocol/questions.ts";
import type { ModelView, VersionState, VersionView } from "../protocol/views.ts";
import { isObject } from "./json-request.ts";
import { settleFiles } from "./upload-form.ts";

type Json = Readonly<Record<string, unknown>>;

/** Triton knows no model that comes back by itself: one that does is being loaded. */
const stateNames = {
  loading: "LOADING",
  ready: "READY",
  recovering: "LOADING",
  draining: "UNLOADING",
  unloaded: "UNAVAILABLE",
  unavailable: "UNAVAILABLE",
} as const satisfies Record<VersionState, string>;

/** One entry for each version; a model of which there is none has its name alone, or what is wrong with it. */
export function repositoryIndex(models: readonly ModelView[], readyOnly: boolean): readonly Json[] {
  const entries = models.flatMap((model): readonly Json[] => {
    if (model.versions.length > 0) return model.versions.map((one) => versionEntry(model, one));
    if (model.problem === null) return [{ name: model.name }];
    return [{ name: model.name, state: "UNAVAILABLE", reason: model.problem }];
  });
  return readyOnly ? entries.filter(({ state }) => state === "READY") : entries;
}

function versionEntry({ name }: ModelView, { version, state, reason }: VersionView): Json {
  const entry = { name, version, state: stateNames[state] };
  // Clients tell what was unloaded from what failed by this word.
  if (state === "unloaded") return { ...entry, reason: state };
  const why = reason ?? (state === "recovering" ? state : null);
  return why === null ? entry : { ...entry, reason: why };
}

/** Throws `invalid-request`. */
export function readyOnlyOf({ ready = false }: Json): boolean {
  if (typeof ready === "boolean") return ready;
  throw new TroupeError("invalid-request", "Invalid value for 'ready': expected a boolean");
}

/** So begin the names of parameters of a load that are files. */
export const filePrefix = "file:";

/** Takes the files of a load: in order, one at a time; the key is whole, and where it stands is not yet known. */
export type TakeFile = (key: string, content: AsyncIterable<Buffer>) => Promise<void>;

/** Where a file of a load belongs. */
export interface LoadFile {
  readonly version: string;
  readonly name: string;
}

/** Throws `invalid-request` for a key that is not `file:<version>/<file>`, or could lead elsewhere. */
export function fileOf(key: string): LoadFile {
  const [version = "", name = "", ...deeper] = key.slice(filePrefix.length).split("/");
  const isPlain = /^(?!\.)[^\\\0]{1,255}$/.test(name);
  if (isVersionName(version) && isPlain && deeper.length === 0) return { version, name };
  const words = `parameter '${key}' must be file:<version>/<file>, of a version's own folder`;
  throw new TroupeError("invalid-request", words);
}

/** Throws `invalid-request` where there are several, too many files, or one comes twice. */
export function oneVersion(files: readonly LoadFile[]): string {
  if (files.length > maxUploadFiles) {
    const words = `a load must have at most ${maxUploadFiles} files`;
    throw new TroupeError("invalid-request", words);
  }
  const versions = [...new Set(files.map(({ version }) => version))];
  const [only, other] = versions;
  if (only === undefined) throw new Error("a version needs files");
  if (other !== undefined) {
    const words = `the files of a load must be of one version, got ${versions.join(", ")}`;
    throw new TroupeError("invalid-request", words);
  }
  const names = files.map(({ name }) => name);
  if (new Set(names).size === names.length) return only;
  throw new TroupeError("invalid-request", `file:${only}/${names.at(-1)} was given twice`);
}

/** Throws `invalid-request` where they are not a model and what lies beside it. */
export function settleOverride(files: readonly UploadedFile[]): readonly UploadedFile[] {
  const names = files.map(({ name }) => name);
  if (!names.includes("model.onnx")) {
    const words = `a load with files must have file:<version>/model.onnx, got ${names.join(", ")}`;
    throw new TroupeError("invalid-request", words);
  }
  return settleFiles(files);
}

/**
 * The configuration that a load brings; null where it brings none. Files have left their numbers in its parameters.
 * Throws `invalid-request` for what no load may ask for.
 */
export function judgeLoad(fields: Json, files: number): string | null {
  const { config = null, ...others } = parametersOf(fields);
  for (const [name, value] of Object.entries(others)) checkFile(name, value);
  if (Object.keys(others).length < files) {
    throw new TroupeError("invalid-request", "files of a load must stand in its parameters");
  }
  if (files > 0 && config === null) {
    throw new TroupeError("invalid-request", "a load with files must have parameter 'config' too");
  }
  return config === null ? null : checkConfig(config);
}

function checkConfig(config: unknown): string {
  if (typeof config !== "string") {
    const words = "parameter 'config' must be a text that holds the JSON of a ModelConfig";
    throw new TroupeError("invalid-request", words);
  }
  const bytes = Buffer.byteLength(config);
  if (bytes <= maxConfigBytes) return config;
  const words = `parameter 'config' must be at most ${maxConfigBytes} bytes, got ${bytes}`;
  throw new TroupeError("invalid-request", words);
}

function checkFile(name: string, value: unknown): void {
  if (!name.startsWith(filePrefix)) {
    throw unknownParameter("load", name, "config, file:<version>/<file>");
  }
  if (typeof value === "string") return;
  throw new TroupeError("invalid-request", `parameter '${name}' must be a text of base64`);
}

/** No model of Troupe's has dependents, so that it is no matter whether they would go. Throws `invalid-request`. */
export function checkUnload(fields: Json): void {
  for (const [name, value] of Object.entries(parametersOf(fields))) {
    if (name !== "unload_dependents") throw unknownParameter("unload", name, "unload_dependents");
    if (typeof value === "boolean") continue;
    const words = "Invalid value for 'unload_dependents': expected a boolean";
    throw new TroupeError("invalid-request", words);
  }
}

function parametersOf({ parameters = {} }: Json): Json {
  if (isObject(parameters)) return parameters;
  throw new TroupeError("invalid-request", "Invalid value for 'parameters': expected an object");
}

function unknownParameter(action: string, name: string, known: string): TroupeError {
  const words = `unrecognized ${action} parameter '${name}'; known are ${known}`;
  return new TroupeError("invalid-request", words);
}
