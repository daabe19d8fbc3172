// Owns the look at SchwiftServe's YAML files, which lie loose in the models folder, each a model.
// What one says is decided in schwift-config.ts.
import { lstat, open, readdir, realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { TroupeError } from "../protocol/errors.ts";
import { maxConfigBytes } from "../protocol/questions.ts";
import { compareVersions } from "../protocol/version-order.ts";
import { codeOf, whyUnreadable } from "./config-file.ts";
import { stampAt } from "./file-stamp.ts";
import { defaultModelConfig } from "./model-config.ts";
import type { FileStamps, ModelFolder, ModelVersion } from "./model-folder.ts";
import { besideOf } from "./model-layout.ts";
import {
  isSchwiftName,
  parseSchwiftConfig,
  type SchwiftConfig,
  schwiftNameIn,
} from "./schwift-config.ts";

/** Of two files that name one model, the second has a problem. Throws where the folder cannot be read. */
export async function discoverSchwift(folder: string): Promise<readonly ModelFolder[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && isSchwiftName(entry.name));
  const names = files.map(({ name }) => name).sort(compareVersions);
  const found: ModelFolder[] = [];
  for (const file of names) {
    const model = await look(folder, file);
    const twin = model && found.find(({ name }) => name === model.name);
    if (model === undefined) continue;
    if (twin === undefined) found.push(model);
    else found[found.indexOf(twin)] = broken(model.name, `is described twice, by ${file} too`);
  }
  return found;
}

/** Undefined for a file that is none of SchwiftServe's. */
async function look(folder: string, file: string): Promise<ModelFolder | undefined> {
  const { text, bytes } = await beginningOf(join(folder, file)).catch(() => nothing);
  try {
    const parsed = parseSchwiftConfig(text, file, bytes);
    return parsed && (await locate(folder, file, parsed));
  } catch (thrown) {
    if (thrown instanceof TroupeError) return broken(schwiftNameIn(text, file), thrown.message);
    throw thrown;
  }
}

const nothing = { text: "", bytes: 0 };

/** Enough to tell whose file it is: of others some are as large as data. */
async function beginningOf(path: string): Promise<typeof nothing> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(maxConfigBytes),
      0,
      maxConfigBytes,
      0,
    );
    return { text: buffer.toString("utf8", 0, bytesRead), bytes: size };
  } finally {
    await file.close();
  }
}

function broken(name: string, problem: string): ModelFolder {
  return { name, versions: [], wanted: [], config: defaultModelConfig, problem };
}

async function locate(folder: string, file: string, parsed: SchwiftConfig): Promise<ModelFolder> {
  const { name, version, config, warnings, modelYaml } = parsed;
  const path = await fileOf(folder, file, parsed.modelFile);
  const beside = await around(path);
  const stamps = await stampsOf([path, ...beside.map((one) => one.file)]);
  const versions: readonly ModelVersion[] = [{ version, file: path, beside, stamps }];
  const notes = { warnings, foreign: { file, isLoose: true, modelYaml } };
  return { name, config, versions, wanted: versions, notes };
}

/** Never a path out of the models folder. Throws TroupeError `invalid-model`. */
async function fileOf(folder: string, file: string, written: string): Promise<string> {
  const isFromAbove = written.split("/")[0] === basename(folder);
  const path = resolve(isFromAbove ? dirname(folder) : folder, written);
  const refused = (why: string) =>
    new TroupeError("invalid-model", `Cannot read ${file}: model.model_args.model_file ${why}`);
  const inside = relative(folder, path);
  if (inside === "" || inside.split(sep)[0] === "..")
    throw refused("must lie in the models folder");
  if (!path.endsWith(".onnx")) throw refused("must be the name of an .onnx file");
  try {
    const isPlain = (await realpath(path)) === join(await realpath(folder), inside);
    if (isPlain && (await lstat(path)).isFile()) return path;
  } catch (thrown) {
    throw refused(codeOf(thrown) === "ENOENT" ? "does not exist" : whyUnreadable(thrown));
  }
  throw refused("must be a regular file, and no link");
}

async function stampsOf(paths: readonly string[]): Promise<FileStamps> {
  const stamped = await Promise.all(
    paths.map(async (path) => [path, await stampAt(path)] as const),
  );
  return Object.fromEntries(
    stamped.flatMap(([path, stamp]) => (stamp === undefined ? [] : [[path, stamp]])),
  );
}

/** Files that the model may keep its weights in. */
async function around(path: string): Promise<ModelVersion["beside"]> {
  const folder = dirname(path);
  const found = await readdir(folder, { withFileTypes: true });
  const entries = found
    .filter((entry) => entry.isFile())
    .map(({ name }) => ({ name, kind: "file" as const }));
  const names = besideOf({ entries, folders: new Map() }, [basename(path)]);
  return names.map((name) => ({ name, file: join(folder, name) }));
}
