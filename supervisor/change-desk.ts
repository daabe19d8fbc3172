/*
 * Changes of what runs, one at a time for each model: it says what should run and has it written; the model's life
 * carries it out.
 */
import { patchModelConfig } from "../src/config/config-patch.ts";
import { discoverModel, type ModelFolder } from "../src/config/model-folder.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import { noSuchVersion } from "../src/protocol/model-refusals.ts";
import type { ModelChange } from "../src/protocol/questions.ts";
import { CondemnedVersions } from "./condemned-versions.ts";
import type { Digests } from "./file-digest.ts";
import type { Journal } from "./journal.ts";
import type { MoveOptions } from "./life-parts.ts";
import { planOf } from "./model-plan.ts";
import type { KnownModel, ModelRegistry } from "./model-registry.ts";
import type { ModelStore } from "./model-store.ts";

export type ChangeKind = ModelChange["type"] | "watch" | "rollback";

export interface DeskParts {
  readonly registry: ModelRegistry;
  readonly journal: Journal;
  readonly store: ModelStore;
  readonly digests: Digests;
  readonly modelsFolder: string;
  readonly listener: DeskListener;
}

export interface DeskListener {
  onChange(note: ChangeNote): void;
  /** The model is gone, and its processes are. */
  onGone(name: string): void;
}

export interface ChangeNote {
  readonly kind: ChangeKind;
  readonly model: string;
  readonly version: string | null;
  readonly state: "began" | "done" | "failed" | "rolled-back";
  readonly reason: string | null;
}

type Kept = Extract<ModelChange, { type: "load" | "unload" | "restart" | "delete" | "patch" }>;

export class ChangeDesk {
  readonly #parts: DeskParts;
  readonly #busy = new Map<string, ChangeKind>();
  readonly #condemned: CondemnedVersions;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#condemned = new CondemnedVersions(parts);
  }

  /** What is being changed of the model, if anything is. */
  current(model: string): ChangeKind | null {
    return this.#busy.get(model) ?? null;
  }

  /** Throws `conflict` where another change of the model is under way. */
  async alone<T>(
    kind: ChangeKind,
    { model, version }: { readonly model: string; readonly version: string | null },
    act: () => Promise<T>,
  ): Promise<T> {
    const other = this.#busy.get(model);
    if (other !== undefined) {
      const words = `Cannot ${kind} model '${model}': another change of it is under way (${other})`;
      throw new TroupeError("conflict", words);
    }
    this.#busy.set(model, kind);
    const note = { kind, model, version };
    const { listener } = this.#parts;
    listener.onChange({ ...note, state: "began", reason: null });
    try {
      const result = await act();
      listener.onChange({ ...note, state: "done", reason: null });
      return result;
    } catch (thrown) {
      const reason = thrown instanceof TroupeError ? thrown.message : "internal error";
      listener.onChange({ ...note, state: "failed", reason });
      throw thrown;
    } finally {
      this.#busy.delete(model);
    }
  }

  /** Resolves when it is done; rejects with what the caller gets. */
  async carryOut(change: Kept): Promise<void> {
    const version = change.type === "patch" ? null : change.version;
    const model = this.#find(change.model, version);
    await this.alone(change.type, { model: change.model, version }, () => this.#act(change, model));
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
    }
  }

  #find(name: string, version: string | null): KnownModel {
    const model = this.#parts.registry.find(name);
    const { versions } = model.folder;
    if (version === null || versions.some((one) => one.version === version)) return model;
    throw noSuchVersion(name, version, versions);
  }

  /** Moves to what the folder holds and the journal says. Throws `invalid-model` where the folder cannot be served. */
  async settle(model: KnownModel, options: MoveOptions = {}): Promise<void> {
    const plan = planOf(model.folder, this.#parts.journal.facts);
    if (plan.type === "broken") throw brokenModel(model.folder.name, plan.problem);
    try {
      await model.life.move(plan, options);
    } catch (thrown) {
      await this.#setAside(
        model,
        plan.versions.map(({ version }) => version),
      );
      throw thrown;
    }
  }

  /** What could not be loaded must not come in the way of other changes, nor of the next start, while others serve. */
  async #setAside({ folder, life }: KnownModel, wanted: readonly string[]): Promise<void> {
    const { rollout } = life;
    const { serving } = life;
    if (rollout?.name !== "rolled-back" || serving.length === 0) return;
    const served = new Set(serving.map(({ version }) => version));
    for (const version of wanted) {
      if (!life.failures.has(version) || served.has(version)) continue;
      await this.#condemned.add(folder, version, rollout.reason).catch(() => undefined);
    }
  }

  async refresh(model: KnownModel): Promise<void> {
    const { name } = model.folder;
    model.folder = (await discoverModel(this.#parts.modelsFolder, name)) ?? goneFolder(name);
  }

  async #load(model: KnownModel, version: string | null): Promise<void> {
    const { journal } = this.#parts;
    const { name } = model.folder;
    await this.refresh(model);
    if (version === null) await this.#condemned.forgiveChanged(model.folder);
    else await journal.append({ type: "forgiven", model: name, version });
    await journal.append({ type: "loaded", model: name, version });
    await this.settle(model, this.#rollbackOf(model));
  }

  async #unload(model: KnownModel, version: string | null): Promise<void> {
    await this.#parts.journal.append({ type: "unloaded", model: model.folder.name, version });
    await this.settle(model);
    // Nothing of it should run, so that nothing is amiss.
    if (version === null) model.life.failures.clear();
    await this.#emptied(model);
  }

  /** What was taken away does not stand by for going back to it. */
  async #emptied({ life }: KnownModel): Promise<void> {
    life.supersede();
    await life.quiet();
  }

  /** One replica after the other, each new one before its old one goes. */
  async #restart(model: KnownModel, version: string | null): Promise<void> {
    const groups = model.life.serving.filter(
      (group) => version === null || group.version === version,
    );
    if (groups.length === 0 || groups.some(({ isHopeful }) => !isHopeful)) {
      await this.#load(model, version);
      return;
    }
    for (const group of groups) {
      for (const host of group.hosts) await group.replace(host);
    }
  }

  async #delete(model: KnownModel, version: string | null): Promise<void> {
    const { journal, store } = this.#parts;
    const { folder, life } = model;
    const { name } = folder;
    const rest = folder.versions.filter((one) => one.version !== version);
    if (version === null || rest.length === 0) {
      await life.end();
      await store.removeModel(name);
      await journal.append({ type: "deleted", model: name, version: null });
      this.forget(name);
      return;
    }
    refuseNamed(folder, version);
    model.folder = { ...folder, versions: rest } as ModelFolder;
    await this.settle(model);
    await this.#emptied(model);
    const gone = folder.versions.find((one) => one.version === version);
    if (gone !== undefined) await store.removeVersion(name, gone);
    await journal.append({ type: "deleted", model: name, version });
    await this.refresh(model);
  }

  /** Nothing of it runs, and nobody is to hear of it any more. */
  forget(name: string): void {
    this.#parts.registry.remove(name);
    this.#parts.listener.onGone(name);
  }

  async #patch(model: KnownModel, patch: string): Promise<void> {
    const { store } = this.#parts;
    const { folder } = model;
    const before = await store.readConfig(folder.name);
    const { text, config } = patchModelConfig(before, patch, `${folder.name}/model.yaml`);
    const changed = { ...folder, config, problem: undefined } as ModelFolder;
    const plan = planOf(changed, this.#parts.journal.facts);
    if (plan.type === "broken") throw new TroupeError("invalid-request", plan.problem);
    checkDefault(changed, config.defaultVersion);
    await model.life.move(plan, {
      commit: () => store.writeConfig(folder.name, text),
      onRolledBack: (reason) => this.#restore(model, before, reason),
    });
    await this.refresh(model);
  }

  /** A configuration that did not last gives way to the one before. */
  #restore(model: KnownModel, text: string, reason: string): void {
    const note = { kind: "rollback", model: model.folder.name, version: null } as const;
    this.#parts.listener.onChange({ ...note, state: "rolled-back", reason });
    this.writeBack(model, text);
  }

  /** The model.yaml as it was; not waited for. */
  writeBack(model: KnownModel, text: string): void {
    void this.#parts.store
      .writeConfig(model.folder.name, text)
      .then(() => this.refresh(model))
      .catch(() => undefined);
  }

  #rollbackOf(model: KnownModel): MoveOptions {
    return { onRolledBack: (reason, versions) => this.condemn(model, reason, versions) };
  }

  condemn(model: KnownModel, reason: string, versions: readonly string[]): void {
    for (const version of versions) void this.#condemn(model.folder, version, reason);
  }

  /** Told when it is written, so that whoever hears of it may rely on it. */
  async #condemn(folder: ModelFolder, version: string, reason: string): Promise<void> {
    await this.#condemned.add(folder, version, reason).catch(() => undefined);
    const note = { kind: "rollback", model: folder.name, version, state: "rolled-back" } as const;
    this.#parts.listener.onChange({ ...note, reason });
  }
}

function brokenModel(name: string, problem: string): TroupeError {
  return new TroupeError("invalid-model", `Cannot serve model '${name}': ${problem}`);
}

/** Stands for a model whose folder somebody has removed. */
export function goneFolder(name: string): ModelFolder {
  const problem = "has no folder any more";
  const config = new TroupeError("invalid-model", problem);
  return { name, versions: [], wanted: [], config, problem };
}

function refuseNamed(folder: ModelFolder, version: string): void {
  if (folder.problem !== undefined) return;
  const { versions, defaultVersion } = folder.config;
  const isListed = versions.type === "listed" && versions.names.includes(version);
  if (!isListed && defaultVersion !== version) return;
  const key = isListed ? "versions" : "default_version";
  const words = `Cannot delete version '${version}' of model '${folder.name}': ${key} in model.yaml names it`;
  throw new TroupeError("conflict", words);
}

function checkDefault({ versions }: ModelFolder, wanted: string | null): void {
  if (wanted === null || versions.some(({ version }) => version === wanted)) return;
  const known = versions.map(({ version }) => version).join(", ");
  const words = `Cannot change model: default_version must be one of ${known}, got '${wanted}'`;
  throw new TroupeError("invalid-request", words);
}
