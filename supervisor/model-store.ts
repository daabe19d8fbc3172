// Owns all writing in the models folder: what has a name there is always whole, because it came by a rename.
// What is stored, replaced or removed is decided elsewhere; nobody else may change the same model meanwhile.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { TroupeError } from "../src/protocol/errors.ts";
import { isName, isVersionName, versionRule } from "../src/protocol/model-name.ts";
import { versionTaken } from "../src/protocol/model-refusals.ts";
import type { UploadedFile } from "../src/protocol/questions.ts";
import { ConfigStore, configName } from "./config-store.ts";
import type { Installing } from "./journal-entry.ts";
import { checkFolder, checkName, modelPath } from "./model-path.ts";
import { PrivateArea } from "./private-area.ts";
import { type StagedVersion, stageVersion } from "./staged-version.ts";
import { errorCodeOf, kindOf, storing, syncFolder, writeWhole } from "./storage.ts";

export interface Installation extends Installing {
  /** Of an upload that is staged. */
  readonly id: string;
}

export interface StoredVersion {
  readonly version: string;
  /** An absolute path. */
  readonly file: string;
  /** Names of the files beside it that hold its weights; they go with it where it has no folder of its own. */
  readonly external: readonly string[];
}

/** What an installation has made: the version's folder in the model's, or the model's with it. */
export type Placed = "version" | "model";

/** What was made of what dead servers left. */
export interface Swept {
  /** Those of what was being installed that are whole now. */
  readonly finished: readonly Installing[];
  /** How many uploads were removed that were under way. */
  readonly uploads: number;
}

const occupied: ReadonlySet<string | undefined> = new Set(["ENOTEMPTY", "EEXIST", "ENOTDIR"]);

export class ModelStore {
  readonly #folder: string;
  readonly #area: PrivateArea;
  readonly configs: ConfigStore;

  constructor(modelsFolder: string) {
    this.#folder = resolve(modelsFolder);
    this.#area = new PrivateArea(this.#folder);
    this.configs = new ConfigStore(this.#folder, this.#area);
  }

  /** The path of a fresh folder that only this user can read. */
  openUpload(id: string): Promise<string> {
    return storing(async () => {
      const path = await this.#uploadPath(id);
      await mkdir(path, { mode: 0o700 });
      return path;
    });
  }

  /** The processes of other servers that have the same folder; they see this one from now on. */
  claim(): Promise<readonly number[]> {
    return storing(() => this.#area.claim());
  }

  /** The server ends: its own folder goes. */
  async close(): Promise<void> {
    await this.#area.remove().catch(() => undefined);
  }

  /** With all that came of it and was not installed. */
  async dropUpload(id: string): Promise<void> {
    await storing(async () => rm(await this.#uploadPath(id), { recursive: true, force: true }));
  }

  /** Makes the version's folder inside the upload's, from where it can be tried. */
  stage(id: string, files: readonly UploadedFile[]): Promise<StagedVersion> {
    return storing(async () => {
      const upload = await this.#uploadPath(id);
      return stageVersion(upload, join(upload, "version"), files);
    });
  }

  /** Throws TroupeError `conflict` where the model has the version; nothing is replaced but model.yaml. */
  install({ id, model, version, config, before }: Installation): Promise<Placed> {
    return storing(async () => {
      const target = this.#modelPath(model);
      const upload = await this.#uploadPath(id);
      checkVersion(version);
      const staged = join(upload, "version");
      if ((await kindOf(target)) === "none") {
        const made = await buildModel(upload, version, config);
        const conflict = new TroupeError("conflict", `model '${model}' is there already`);
        await this.#place(made, target, conflict);
        return "model";
      }
      await checkFolder(model, target);
      // Before the version is there: what can run out of space comes first.
      const draft = join(upload, "draft");
      if (config !== null) await writeWhole(draft, config);
      const placed = join(target, version);
      await this.#place(staged, placed, versionTaken(model, version));
      try {
        if (config !== null) await this.configs.place(model, draft, before);
      } catch (thrown) {
        await this.#discard(placed);
        throw thrown;
      }
      return "version";
    });
  }

  /** Removes what was installed, and nothing that was there before or has come since. */
  takeBack(model: string, version: string, placed: Placed): Promise<void> {
    return storing(async () => {
      const target = this.#modelPath(model);
      await checkFolder(model, target);
      const own = join(target, checkName(version));
      const isAlone = placed === "model" && !(await hasOthers(target, [own]));
      await this.#discard(isAlone ? target : own);
    });
  }

  /** All that has a name in the model's folder; nothing where there is no such folder. */
  async namesIn(model: string): Promise<readonly string[]> {
    const target = this.#modelPath(model);
    return (await kindOf(target)) === "folder" ? readdir(target) : [];
  }

  /** The last version takes the whole model with it. */
  removeVersion(model: string, stored: StoredVersion): Promise<void> {
    return storing(async () => {
      const target = this.#modelPath(model);
      await checkFolder(model, target);
      const own = ownPaths(target, stored);
      if (await hasOthers(target, own)) for (const path of own) await this.#discard(path);
      else await this.#area.discard(target);
    });
  }

  /** Throws TroupeError `conflict` where the model is nothing that could be removed; it need not be there. */
  checkModel(model: string): Promise<void> {
    return storing(async () => {
      const target = this.#modelPath(model);
      if ((await kindOf(target)) !== "none") await checkFolder(model, target);
    });
  }

  /** Nothing where there is no such model. */
  removeModel(model: string): Promise<void> {
    return storing(async () => {
      const target = this.#modelPath(model);
      if ((await kindOf(target)) === "none") return;
      await checkFolder(model, target);
      await this.#area.discard(target);
    });
  }

  /**
   * To be called once, at the start: removes what dead servers left, and finishes what they were installing. Of what is
   * not whole then nothing is there.
   */
  sweep(installing: readonly Installing[]): Promise<Swept> {
    return storing(async () => {
      const uploads = await this.#area.sweep();
      const finished: Installing[] = [];
      for (const one of installing) if (await this.#finish(one)) finished.push(one);
      return { finished, uploads };
    });
  }

  async #finish({ model, version, config, before }: Installing): Promise<boolean> {
    if (!isName(model) || !isVersionName(version)) return false;
    const target = this.#modelPath(model);
    for (const path of [target, join(target, version)]) {
      if ((await kindOf(path)) !== "folder") return false;
    }
    // What somebody has written since is theirs.
    if (config !== null && (await this.configs.read(model)) === before) {
      await this.configs.write(model, config);
    }
    return true;
  }

  /** Rename replaces an empty folder without a word, so the target is looked for before. */
  async #place(made: string, target: string, conflict: TroupeError): Promise<void> {
    if ((await kindOf(target)) !== "none") throw conflict;
    await rename(made, target).catch((thrown: unknown) => {
      // Somebody has put something there just now.
      throw occupied.has(errorCodeOf(thrown)) ? conflict : thrown;
    });
    await syncFolder(dirname(target));
  }

  async #discard(path: string): Promise<void> {
    if ((await kindOf(path)) !== "none") await this.#area.discard(path);
  }

  #modelPath(model: string): string {
    return modelPath(this.#folder, model);
  }

  #uploadPath(id: string): Promise<string> {
    return this.#area.pathOf("uploads", checkName(id));
  }
}

/** The whole folder of a new model, inside the upload's. */
async function buildModel(upload: string, version: string, config: string | null): Promise<string> {
  const made = join(upload, "model");
  await mkdir(made);
  if (config !== null) await writeWhole(join(made, configName), config);
  await rename(join(upload, "version"), join(made, version));
  await syncFolder(made);
  return made;
}

/** The file that makes it a version comes first. */
function ownPaths(folder: string, { version, file, external }: StoredVersion): readonly string[] {
  if (dirname(resolve(file)) !== folder) return [join(folder, checkName(version))];
  const besides = external.map((name) => resolve(folder, name));
  return [resolve(file), ...besides.filter((path) => dirname(path) === folder)];
}

/** Versions that are left when these paths are gone. */
async function hasOthers(folder: string, own: readonly string[]): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (own.includes(path) || entry.name.startsWith(".")) continue;
    if (entry.name.endsWith(".onnx")) return true;
    if (entry.isDirectory() && (await holdsModel(path))) return true;
  }
  return false;
}

async function holdsModel(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => name.endsWith(".onnx") && !name.startsWith("."));
}

function checkVersion(name: string): string {
  if (isVersionName(name)) return name;
  throw new TroupeError("invalid-request", `Cannot store: a version must be ${versionRule}`);
}
