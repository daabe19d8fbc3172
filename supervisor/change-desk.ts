/* Changes of what runs: it says what should run and has it written; the mover and the model's life carry it out. */

import { refuseTriton } from "../src/config/config-file.ts";
import { patchModelConfig } from "../src/config/config-patch.ts";
import { discoverModel, type ModelFolder } from "../src/config/model-folder.ts";
import { parseTritonJson } from "../src/config/triton-json.ts";
import { selectVersions, versionsKey } from "../src/config/wanted-versions.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import { noSuchModel, noSuchVersion } from "../src/protocol/model-refusals.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { ModelChange } from "../src/protocol/questions.ts";
import type { ChangeParts, TrialParts } from "./change-parts.ts";
import type { HostGroup } from "./host-group.ts";
import type { JournalEntry } from "./journal-entry.ts";
import { goneFolder } from "./model-plan.ts";
import type { KnownModel } from "./model-registry.ts";
import type { Mover } from "./mover.ts";

export interface DeskParts extends ChangeParts, TrialParts {
  readonly mover: Mover;
}

type Kept = Exclude<ModelChange, { type: "upload" }>;

/** Of a model.yaml, and what it then means. */
interface Rewritten {
  readonly text: string;
  readonly config: ModelConfig;
}

interface ConfigChange {
  readonly decisions: readonly JournalEntry[];
  readonly rewritten: (before: string) => Rewritten;
  /** Rejects where the folder, as it would be then, cannot be served. */
  readonly check: (folder: ModelFolder) => Promise<void>;
  /** Versions to be started anew, whether the change needs it or not. */
  readonly stale: () => Promise<Iterable<string>>;
}

export class ChangeDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Resolves when it is done; rejects with what the caller gets. */
  async carryOut(change: Kept, requestId?: string): Promise<void> {
    const version = "version" in change ? change.version : null;
    const isLoad = change.type === "load" || change.type === "configure";
    const { model: name } = change;
    // What somebody has just put into the folder can be loaded.
    if (isLoad) await this.#lookFor(name, version);
    else this.#find(name, version);
    await this.#parts.locks.alone(change.type, { model: name, version, requestId }, async () => {
      await this.#act(change, isLoad ? await this.#adopt(name) : this.#find(name));
    });
  }

  #act(change: Kept, model: KnownModel): Promise<void> {
    switch (change.type) {
      case "load":
        return this.#load(model, change.version);
      case "unload":
        return this.#unload(model, change.version);
      case "restart":
        return this.#restart(model, change.version);
      case "delete":
        return this.#delete(model, change.version);
      case "patch":
        return this.#patch(model, change.patch);
      case "configure":
        return this.#configure(model, change.config);
    }
  }

  /** Throws `model-not-found`. */
  #find(name: string, version: string | null = null): KnownModel {
    const model = this.#parts.registry.find(name);
    checkVersion(model.folder, version);
    return model;
  }

  /** Throws `model-not-found` where the folder does not hold it either. */
  async #lookFor(name: string, version: string | null): Promise<void> {
    const { registry, modelsFolder } = this.#parts;
    const folder = await discoverModel(modelsFolder, name);
    if (folder === undefined) this.#find(name, version);
    else if (registry.get(name) === undefined || version !== null) checkVersion(folder, version);
  }

  /** As its folder is now. */
  async #adopt(name: string): Promise<KnownModel> {
    const { registry, modelsFolder, mover } = this.#parts;
    const known = registry.get(name);
    if (known !== undefined) {
      await mover.catchUp(known);
      return known;
    }
    const folder = await discoverModel(modelsFolder, name);
    if (folder === undefined) throw noSuchModel(name);
    return registry.introduce(folder);
  }

  async #load(model: KnownModel, version: string | null): Promise<void> {
    const { mover } = this.#parts;
    const { folder, life } = model;
    const { name } = life;
    checkVersion(folder, version);
    if (folder.problem !== undefined && life.groups.length === 0) life.refuse(folder.problem);
    if (version === null) await mover.forgiveChanged(model);
    const stale = await this.#stale(model);
    const renew = new Set(stale.filter((one) => version === null || one === version));
    const loaded = { type: "loaded", model: name, version } as const;
    const forgiven = version === null ? [] : [{ type: "forgiven", model: name, version } as const];
    const decisions = [...forgiven, loaded];
    await mover.settle(model, {
      decisions,
      renew,
      ...(version === null ? { leavesOut: "unserved" as const } : {}),
    });
  }

  /** What a load starts anew: versions that are given up, and those whose files are others than serve. */
  async #stale(model: KnownModel): Promise<readonly string[]> {
    const dead = model.life.serving.filter(({ isHopeful }) => !isHopeful);
    return [...dead.map(({ version }) => version), ...(await this.#parts.mover.replaced(model))];
  }

  async #unload(model: KnownModel, version: string | null): Promise<void> {
    const { mover } = this.#parts;
    await mover.catchUp(model);
    const decisions = [{ type: "unloaded", model: model.life.name, version } as const];
    await mover.settle(model, { decisions });
    await emptied(model, version);
  }

  /** One replica after the other, each new one before its old one goes. */
  async #restart(model: KnownModel, version: string | null): Promise<void> {
    const { mover } = this.#parts;
    await mover.catchUp(model);
    const groups = model.life.serving.filter(
      (group) => version === null || group.version === version,
    );
    const replaced = await mover.replaced(model);
    const isFresh = (group: HostGroup) => group.isHopeful && !replaced.has(group.version);
    const stale = groups.filter((group) => !isFresh(group)).map((group) => group.version);
    if (groups.length === 0) await this.#load(model, version);
    // Those that are given up get another start; a file that has not been tried is rolled out.
    else if (stale.length > 0) await mover.settle(model, { renew: new Set(stale) });
    for (const group of groups.filter(isFresh)) {
      for (const host of group.hosts) await group.replace(host);
    }
  }

  async #delete(model: KnownModel, version: string | null): Promise<void> {
    const { mover, store } = this.#parts;
    await store.checkModel(model.life.name);
    const isWhole = version === null || isOnly(model.folder, version);
    // What cannot be restored, as on a full disk, may go.
    await mover.catchUp(model).catch((thrown: unknown) => {
      if (!isWhole) throw thrown;
    });
    try {
      if (isWhole) await this.#deleteModel(model);
      else await this.#deleteVersion(model, version);
    } catch (thrown) {
      // What could not be removed is still there, and serves.
      await mover.refresh(model);
      await mover.settle(model).catch(() => undefined);
      throw thrown;
    }
  }

  async #deleteModel({ life }: KnownModel): Promise<void> {
    const { journal, store, mover } = this.#parts;
    await life.end();
    await store.removeModel(life.name);
    await journal.append({ type: "deleted", model: life.name, version: null });
    mover.forget(life.name);
  }

  async #deleteVersion(model: KnownModel, version: string): Promise<void> {
    const { journal, store, mover } = this.#parts;
    const { folder, life } = model;
    refuseNamed(folder, version);
    const gone = folder.versions.find((one) => one.version === version);
    const versions = folder.versions.filter((one) => one !== gone);
    model.folder = { ...folder, versions } as ModelFolder;
    await mover.settle(model, { gone: version });
    await emptied(model, version);
    const external = life.known.get(version)?.externalFiles ?? [];
    if (gone !== undefined) await store.removeVersion(life.name, { ...gone, external });
    await journal.append({ type: "deleted", model: life.name, version });
    life.forget(version);
    await mover.refresh(model);
  }

  #patch(model: KnownModel, patch: string): Promise<void> {
    const file = `${model.life.name}/model.yaml`;
    return this.#rewrite(model, {
      decisions: [],
      rewritten: (before) => patchModelConfig(before, patch, file),
      check: async () => undefined,
      stale: () => this.#parts.mover.replaced(model),
    });
  }

  #configure(model: KnownModel, config: string): Promise<void> {
    const { name } = model.life;
    const loaded = { type: "loaded", model: name, version: null } as const;
    const written = parseTritonJson(config, name);
    return this.#rewrite(model, {
      decisions: [loaded],
      rewritten: () => written,
      check: async (folder) => {
        this.#parts.onWarnings(name, written.warnings);
        await this.#tryDeclared(folder, written.declared);
      },
      stale: () => this.#stale(model),
    });
  }

  /** What is declared of the model stands in no model.yaml, so that no host would check it later. */
  async #tryDeclared({ name, wanted }: ModelFolder, config: ModelConfig): Promise<void> {
    const { inputs = null, outputs = [] } = config.triton ?? {};
    if (inputs === null && outputs.length === 0) return;
    for (const version of wanted) await this.#parts.trial({ model: name, ...version, config });
  }

  async #rewrite(
    model: KnownModel,
    { decisions, rewritten, check, stale }: ConfigChange,
  ): Promise<void> {
    const { store, mover, modelsFolder } = this.#parts;
    const { name } = model.life;
    await mover.catchUp(model);
    await mover.forgiveChanged(model);
    const before = await store.configs.read(name);
    const names = await store.namesIn(name);
    refuseTriton(name, before, names);
    const { text: written, config } = rewritten(before);
    // A model.yaml that says nothing is removed, and what is beside it would hold.
    const others = names.filter((one) => one !== "model.yaml");
    refuseTriton(name, written, others);
    const folder = (await discoverModel(modelsFolder, name, { config })) ?? goneFolder(name);
    checkSelection(folder, config);
    await check(folder);
    const rewrite = { before, written };
    const commit = () => store.configs.replace(name, rewrite);
    const renew = new Set(await stale());
    try {
      await mover.settle(model, { folder, commit, decisions, rewrites: [rewrite], renew });
    } catch (thrown) {
      // Whoever asked is told, and the folder says what it said.
      for (const version of model.life.hopeful) model.life.failures.delete(version);
      throw thrown;
    }
    await mover.refresh(model);
  }
}

/** What was taken away does not stand by for going back to it. */
async function emptied({ life }: KnownModel, version: string | null): Promise<void> {
  const standsBy = life.groups.some((one) => one.stage === "standby" && one.version === version);
  if (version === null || standsBy) life.supersede();
  await life.quiet();
}

/** Throws `model-not-found`. */
function checkVersion({ name, versions }: ModelFolder, version: string | null): void {
  if (version === null || versions.some((one) => one.version === version)) return;
  throw noSuchVersion(name, version, versions);
}

function isOnly({ versions }: ModelFolder, version: string): boolean {
  return versions.every((one) => one.version === version);
}

function refuseNamed(folder: ModelFolder, version: string): void {
  if (folder.problem !== undefined) return;
  const { versions, defaultVersion } = folder.config;
  const isListed = versions.type === "listed" && versions.names.includes(version);
  if (!isListed && defaultVersion !== version) return;
  const key = isListed ? versionsKey(folder.config) : "default_version in model.yaml";
  const words = `Cannot delete version '${version}' of model '${folder.name}': ${key} names it`;
  throw new TroupeError("conflict", words);
}

/** Whoever sends a patch is told of what it names that is not there. */
function checkSelection({ versions }: ModelFolder, config: ModelConfig): void {
  const names = versions.map(({ version }) => version);
  const selection = selectVersions(names, config);
  if (selection.type === "selected") return;
  throw new TroupeError("invalid-request", `Cannot change model: ${selection.problem}`);
}
