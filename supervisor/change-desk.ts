/* Changes of what runs: it says what should run and has it written; the mover and the model's life carry it out. */

import { refuseTriton } from "../src/config/config-file.ts";
import { patchModelConfig } from "../src/config/config-patch.ts";
import { discoverModel, type ModelFolder } from "../src/config/model-folder.ts";
import { selectVersions, versionsKey } from "../src/config/wanted-versions.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import { noSuchVersion } from "../src/protocol/model-refusals.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { ModelChange } from "../src/protocol/questions.ts";
import { planOf } from "./model-plan.ts";
import type { KnownModel } from "./model-registry.ts";
import { brokenModel, goneFolder, type Mover, type MoverParts } from "./mover.ts";

export interface DeskParts extends Omit<MoverParts, "digests" | "listener"> {
  readonly mover: Mover;
}

type Kept = Extract<ModelChange, { type: "load" | "unload" | "restart" | "delete" | "patch" }>;

export class ChangeDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Resolves when it is done; rejects with what the caller gets. */
  async carryOut(change: Kept): Promise<void> {
    const version = change.type === "patch" ? null : change.version;
    const model = this.#find(change.model, version);
    const place = { model: change.model, version };
    await this.#parts.locks.alone(change.type, place, () => this.#act(change, model));
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

  async #load(model: KnownModel, version: string | null): Promise<void> {
    const { journal, mover } = this.#parts;
    const { life } = model;
    const { name } = life;
    await mover.catchUp(model);
    if (version === null) await mover.forgiveChanged(model);
    else await journal.append({ type: "forgiven", model: name, version });
    const dead = life.serving.filter(({ isHopeful }) => !isHopeful).map((group) => group.version);
    const renew = new Set(dead.filter((one) => version === null || one === version));
    const entry = { type: "loaded", model: name, version } as const;
    await mover.settle(model, { foreseen: entry, renew });
    await journal.append(entry);
  }

  async #unload(model: KnownModel, version: string | null): Promise<void> {
    const { journal, mover } = this.#parts;
    const entry = { type: "unloaded", model: model.life.name, version } as const;
    await mover.catchUp(model);
    await mover.settle(model, { foreseen: entry });
    await journal.append(entry);
    // Nothing of it should run, so that nothing is amiss.
    if (version === null) model.life.failures.clear();
    await emptied(model);
  }

  /** One replica after the other, each new one before its old one goes. */
  async #restart(model: KnownModel, version: string | null): Promise<void> {
    const groups = model.life.serving.filter(
      (group) => version === null || group.version === version,
    );
    const hopeful = groups.filter(({ isHopeful }) => isHopeful);
    if (groups.length === 0 || hopeful.length < groups.length) await this.#load(model, version);
    for (const group of hopeful) {
      for (const host of group.hosts) await group.replace(host);
    }
  }

  async #delete(model: KnownModel, version: string | null): Promise<void> {
    const { mover, store } = this.#parts;
    await store.checkModel(model.life.name);
    await mover.catchUp(model);
    try {
      if (version === null || isOnly(model.folder, version)) await this.#deleteModel(model);
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
    await mover.settle(model);
    await emptied(model);
    const external = life.known.get(version)?.externalFiles ?? [];
    if (gone !== undefined) await store.removeVersion(life.name, { ...gone, external });
    await journal.append({ type: "deleted", model: life.name, version });
    await mover.refresh(model);
  }

  async #patch(model: KnownModel, patch: string): Promise<void> {
    const { store, mover, journal, modelsFolder } = this.#parts;
    const { name } = model.life;
    await mover.catchUp(model);
    const before = await store.readConfig(name);
    const names = await store.namesIn(name);
    refuseTriton(name, before, names);
    const { text: written, config } = patchModelConfig(before, patch, `${name}/model.yaml`);
    // A model.yaml that says nothing is removed, and what is beside it would hold.
    const others = names.filter((one) => one !== "model.yaml");
    refuseTriton(name, written, others);
    const changed = (await discoverModel(modelsFolder, name, { config })) ?? goneFolder(name);
    checkSelection(changed, config);
    const plan = planOf(changed, journal.facts);
    if (plan.type === "broken") throw brokenModel(name, plan.problem);
    const commit = () => store.writeConfig(name, written);
    await mover.settle(model, { plan, commit, rewrite: { before, written } });
    await mover.refresh(model);
  }
}

/** What was taken away does not stand by for going back to it. */
async function emptied({ life }: KnownModel): Promise<void> {
  life.supersede();
  await life.quiet();
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
