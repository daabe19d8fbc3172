/* From an uploaded file to a version that serves: tried in a throwaway host, put in place at once, then rolled out. */
import { refuseTriton } from "../src/config/config-file.ts";
import { configText } from "../src/config/config-patch.ts";
import { defaultModelConfig, parseModelConfig } from "../src/config/model-config.ts";
import { discoverModel, foreseeModel, type ModelFolder } from "../src/config/model-folder.ts";
import { parseTritonJson, type WrittenConfig } from "../src/config/triton-json.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import { versionTaken } from "../src/protocol/model-refusals.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { ModelChange } from "../src/protocol/questions.ts";
import type { ChangeParts, TrialParts } from "./change-parts.ts";
import type { JournalEntry } from "./journal-entry.ts";
import type { Facts } from "./journal-facts.ts";
import { brokenModel, goneFolder } from "./model-plan.ts";
import type { KnownModel } from "./model-registry.ts";
import type { Placed } from "./model-store.ts";
import type { Mover } from "./mover.ts";
import type { TakeBack } from "./take-backs.ts";

export type Upload = Extract<ModelChange, { type: "upload" }>;

export interface InstallerParts extends ChangeParts, TrialParts {
  readonly mover: Mover;
  readonly onStep: (model: string, version: string, step: string) => void;
}

/** It serves now, where its configuration selects it. */
export interface NewVersion {
  readonly version: string;
  /** As its trial has found it. */
  readonly metadata: ModelMetadata;
}

interface TakenConfig extends Omit<WrittenConfig, "text"> {
  /** Null leaves the model.yaml as it is. */
  readonly text: string | null;
}

interface Prepared {
  readonly upload: Upload;
  readonly version: string;
  /** The text that becomes the model.yaml; null leaves that as it is. */
  readonly configText: string | null;
  /** What it takes the place of. */
  readonly before: string;
  /** With what is declared of the model. */
  readonly config: ModelConfig;
}

/** In the models folder, and not yet known to last. */
interface Installed {
  readonly prepared: Prepared;
  readonly placed: Placed;
  readonly written: TakeBack;
}

export class Installer {
  readonly #parts: InstallerParts;

  constructor(parts: InstallerParts) {
    this.#parts = parts;
  }

  /** Rejects with what the caller gets, and then nothing is left of it. */
  install(upload: Upload, requestId?: string): Promise<NewVersion> {
    const { model, version } = upload;
    const place = { model, version, requestId };
    return this.#parts.locks.alone("upload", place, (name) => this.#install(upload, name));
  }

  /** Throws `conflict` where the model has the version. */
  async checkFree(model: string, version: string): Promise<void> {
    const folder = await discoverModel(this.#parts.modelsFolder, model);
    if ((await this.#taken(model, folder)).includes(version)) throw versionTaken(model, version);
  }

  /** A name that is no version's comes in the way of one too. */
  async #taken(model: string, folder: ModelFolder | undefined): Promise<readonly string[]> {
    const names = await this.#parts.store.namesIn(model);
    return [...names, ...(folder?.versions.map(({ version }) => version) ?? [])];
  }

  async #install(upload: Upload, name: (version: string) => void): Promise<NewVersion> {
    const { store, trial, onStep } = this.#parts;
    const { model, uploadId: id } = upload;
    const prepared = await this.#prepare(upload);
    const { version } = prepared;
    name(version);
    const staged = await store.stage(id, upload.files);
    onStep(model, version, "trial");
    const metadata = await trial({ model, version, ...staged, config: prepared.config });
    const installed = await this.#place(prepared);
    onStep(model, version, "installed");
    try {
      await this.#rollOut(installed);
    } catch (thrown) {
      await this.#takeOut(installed);
      throw thrown;
    }
    return { version, metadata };
  }

  async #prepare(upload: Upload): Promise<Prepared> {
    const { modelsFolder, store } = this.#parts;
    const { model } = upload;
    await store.checkModel(model);
    await this.#catchUp(model);
    const folder = await discoverModel(modelsFolder, model);
    const taken = await this.#taken(model, folder);
    const version = upload.version ?? nextVersion(taken);
    if (taken.includes(version)) throw versionTaken(model, version);
    const written = writtenConfig(upload);
    if (written !== null) refuseTriton(model, "", await store.namesIn(model));
    const { text, config, declared, warnings } = written ?? keptConfig(model, folder);
    const foreseen = { config, version };
    const expected =
      folder === undefined
        ? foreseeModel(modelsFolder, model, foreseen)
        : ((await discoverModel(modelsFolder, model, foreseen)) ?? goneFolder(model));
    if (expected.problem !== undefined) throw brokenModel(model, expected.problem);
    if (!expected.versions.some((one) => one.version === version)) throw notNumber(model, version);
    this.#parts.onWarnings(model, warnings);
    const before = text === null ? "" : await store.configs.read(model);
    return { upload, version, configText: text, before, config: declared };
  }

  /** What a rollback has left to be taken back is so first: what is replaced is what holds then. */
  async #catchUp(model: string): Promise<void> {
    const known = this.#parts.registry.get(model);
    if (known !== undefined) await this.#parts.mover.catchUp(known);
  }

  async #place(prepared: Prepared): Promise<Installed> {
    const { mover } = this.#parts;
    const { upload, version, configText: config, before } = prepared;
    const { model } = upload;
    await this.#catchUp(model);
    const rewrite = config === null ? null : { before, written: config };
    const records = await mover.begin(model, [version], rewrite);
    const written = { records, rewrites: rewrite === null ? [] : [rewrite] };
    try {
      return { prepared, placed: await this.#putIn(prepared), written };
    } catch (thrown) {
      await mover.takeBack(model, written).catch(() => undefined);
      throw thrown;
    }
  }

  async #putIn({ upload, version, configText: config, before }: Prepared): Promise<Placed> {
    const { store, journal } = this.#parts;
    const { model, uploadId: id } = upload;
    try {
      await journal.append({ type: "installing", model, version, config, before });
      const placed = await store.install({ id, model, version, config, before });
      await this.#noteInstalled(model, version, placed);
      return placed;
    } catch (thrown) {
      await journal.append({ type: "deleted", model, version }).catch(() => undefined);
      throw thrown;
    }
  }

  /** What is not written down as finished would be finished once more, over what has been changed by then. */
  async #noteInstalled(model: string, version: string, placed: Placed): Promise<void> {
    try {
      await this.#parts.journal.append({ type: "installed", model, version });
    } catch (thrown) {
      await this.#parts.store.takeBack(model, version, placed);
      throw thrown;
    }
  }

  /** Nobody uploads what is not to serve: the model is loaded with it. */
  async #rollOut({ prepared, written }: Installed): Promise<void> {
    const { mover } = this.#parts;
    const { upload, version } = prepared;
    const { model: name } = upload;
    const model = await this.#known(name);
    // A file that was removed by hand may have served under the same name.
    const renew = new Set([version]);
    const decisions = loadedAgain(name, this.#parts.journal.facts);
    const leavesOut = { leavesOut: "unserved", about: version } as const;
    await mover.settle(model, { renew, decisions, ...leavesOut, ...written });
  }

  async #known(name: string): Promise<KnownModel> {
    const { registry, mover, modelsFolder } = this.#parts;
    const known = registry.get(name);
    if (known === undefined) {
      return registry.introduce((await discoverModel(modelsFolder, name)) ?? goneFolder(name));
    }
    await mover.refresh(known);
    return known;
  }

  /** The trial has passed, but the real host did not: the version is taken out again, so that it can be sent again. */
  async #takeOut({ prepared, placed }: Installed): Promise<void> {
    const { store, journal, mover, registry } = this.#parts;
    const { version, upload } = prepared;
    const { model: name } = upload;
    await store.takeBack(name, version, placed);
    await journal.append({ type: "deleted", model: name, version });
    const model = registry.get(name);
    if (model === undefined) return;
    model.life.forget(version);
    await model.life.quiet();
    await mover.refresh(model);
    if (placed === "model" && model.life.groups.length === 0) mover.forget(name);
  }
}

/** Nothing where it is loaded; versions that were unloaded one by one stay so. */
function loadedAgain(model: string, facts: Facts): readonly JournalEntry[] {
  if (!facts.unloadedModels.has(model)) return [];
  const apart = [...(facts.unloadedVersions.get(model) ?? [])];
  return [
    { type: "loaded", model, version: null },
    ...apart.map((version) => ({ type: "unloaded", model, version }) as const),
  ];
}

/** Beside a config.pbtxt. */
function notNumber(model: string, version: string): TroupeError {
  return brokenModel(model, `version ${version} is no number, as config.pbtxt needs it`);
}

/** One more than the largest number. */
function nextVersion(taken: readonly string[]): string {
  const numbers = taken.map((name) => (/^\d{1,15}$/.test(name) ? Number(name) : 0));
  return String(Math.max(0, ...numbers) + 1);
}

/** What the upload brings. */
function writtenConfig({ model, config: source, dialect }: Upload): WrittenConfig | null {
  if (source === null) return null;
  if (dialect === "triton") return parseTritonJson(source, model);
  const text = configText(source);
  const config = parseModelConfig(text, "config");
  return { text, config, declared: config, warnings: [] };
}

/** What holds of the model already. */
function keptConfig(model: string, folder: ModelFolder | undefined): TakenConfig {
  const { config } = folder ?? { config: defaultModelConfig };
  if (config instanceof TroupeError) throw brokenModel(model, config.message);
  return { text: null, config, declared: config, warnings: [] };
}
