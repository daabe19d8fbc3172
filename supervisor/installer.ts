/* From an uploaded file to a version that serves: tried in a throwaway host, put in place at once, then rolled out. */
import { configText } from "../src/config/config-patch.ts";
import { defaultModelConfig, parseModelConfig } from "../src/config/model-config.ts";
import { discoverModel, type ModelFolder } from "../src/config/model-folder.ts";
import { compareVersions } from "../src/config/version-order.ts";
import { selectVersions } from "../src/config/wanted-versions.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import { versionTaken } from "../src/protocol/model-refusals.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { ModelChange } from "../src/protocol/questions.ts";
import { type ChangeDesk, type DeskParts, goneFolder } from "./change-desk.ts";
import type { GroupPlan } from "./host-group.ts";
import type { KnownModel } from "./model-registry.ts";
import type { StagedVersion } from "./model-store.ts";

export type Upload = Extract<ModelChange, { type: "upload" }>;

export interface InstallerParts extends Omit<DeskParts, "listener"> {
  readonly desk: ChangeDesk;
  /** Rejects with `invalid-model`. */
  readonly trial: (plan: GroupPlan) => Promise<unknown>;
  readonly onStep: (model: string, version: string, step: string) => void;
}

interface Prepared {
  readonly upload: Upload;
  readonly version: string;
  /** The text that becomes the model.yaml; null leaves that as it is. */
  readonly configText: string | null;
  readonly config: ModelConfig;
  readonly before: string;
}

export class Installer {
  readonly #parts: InstallerParts;

  constructor(parts: InstallerParts) {
    this.#parts = parts;
  }

  /** The version that serves now. Rejects with what the caller gets, and then nothing is left of it. */
  install(upload: Upload): Promise<string> {
    const { desk } = this.#parts;
    const { model, version } = upload;
    return desk.alone("upload", { model, version }, () => this.#install(upload));
  }

  async #install(upload: Upload): Promise<string> {
    const { store, journal, trial, onStep } = this.#parts;
    const { model, uploadId: id } = upload;
    const prepared = await this.#prepare(upload);
    const { version, configText: config } = prepared;
    const staged = await store.stage(id, upload.files);
    onStep(model, version, "trial");
    await trial({ model, version, ...staged, config: prepared.config });
    await journal.append({ type: "installing", model, version, config });
    try {
      await store.install({ id, model, version, config });
    } finally {
      await journal.append({ type: "installed", model, version });
    }
    onStep(model, version, "installed");
    await this.#rollOut(prepared, staged);
    return version;
  }

  async #prepare(upload: Upload): Promise<Prepared> {
    const { modelsFolder, store } = this.#parts;
    const { model } = upload;
    const folder = (await discoverModel(modelsFolder, model)) ?? goneFolder(model);
    const version = upload.version ?? nextVersion(folder);
    if (folder.versions.some((one) => one.version === version)) {
      throw versionTaken(model, version);
    }
    const before = await store.readConfig(model);
    const text = upload.config === null ? null : configText(upload.config);
    const config = configOf(folder, text);
    checkSelection(folder, version, config);
    return { upload, version, configText: text, config, before };
  }

  async #rollOut(prepared: Prepared, staged: StagedVersion): Promise<void> {
    const { desk, journal, onStep } = this.#parts;
    const { upload, version } = prepared;
    const model = await this.#known(upload.model);
    try {
      await journal.append({ type: "loaded", model: upload.model, version: null });
      onStep(upload.model, version, "rollout");
      await desk.settle(model, {
        onRolledBack: (reason, versions) => {
          desk.condemn(model, reason, versions);
          if (prepared.configText !== null) desk.writeBack(model, prepared.before);
        },
      });
    } catch (thrown) {
      await this.#undo(model, prepared, staged);
      throw thrown;
    }
  }

  async #known(name: string): Promise<KnownModel> {
    const { registry, desk, modelsFolder } = this.#parts;
    const known = registry.get(name);
    if (known !== undefined) {
      await desk.refresh(known);
      return known;
    }
    return registry.introduce((await discoverModel(modelsFolder, name)) ?? goneFolder(name));
  }

  /** The trial has passed, but the real host did not: the version is taken out again, so that it can be sent again. */
  async #undo(model: KnownModel, prepared: Prepared, { beside }: StagedVersion): Promise<void> {
    const { store, journal, desk, registry } = this.#parts;
    const { upload, version, before, configText: config } = prepared;
    await model.life.quiet();
    const found = model.folder.versions.find((one) => one.version === version);
    if (model.folder.versions.length <= 1) {
      await store.removeModel(upload.model);
      await journal.append({ type: "deleted", model: upload.model, version: null });
      registry.remove(upload.model);
      return;
    }
    if (found !== undefined) await store.removeVersion(upload.model, { ...found, beside });
    await journal.append({ type: "deleted", model: upload.model, version });
    if (config !== null) await store.writeConfig(upload.model, before);
    await desk.refresh(model);
  }
}

/** One more than the largest number. */
function nextVersion({ versions }: ModelFolder): string {
  const numbers = versions.map(({ version }) => (/^\d{1,15}$/.test(version) ? Number(version) : 0));
  return String(Math.max(0, ...numbers) + 1);
}

/** Throws where the folder could not be served with the new version in it. */
function checkSelection({ name, versions }: ModelFolder, added: string, config: ModelConfig): void {
  const names = [...versions.map(({ version }) => version), added].sort(compareVersions);
  const selection = selectVersions(names, config);
  if (selection.type === "selected") return;
  const words = `Cannot serve model '${name}': ${selection.problem}`;
  throw new TroupeError("invalid-model", words);
}

function configOf(folder: ModelFolder, text: string | null): ModelConfig {
  if (text !== null) return parseModelConfig(text, "config");
  return folder.config instanceof TroupeError ? defaultModelConfig : folder.config;
}
