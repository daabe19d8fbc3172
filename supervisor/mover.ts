/*
 * Moves models to what their folders hold and the journal says, and takes back what does not last. A rollout is
 * written down from before its files change until it has lasted, so that a server that is killed meanwhile begins with
 * what served before, and rolls out again.
 */
import { randomBytes } from "node:crypto";
import { discoverModel, type ModelFolder } from "../src/config/model-folder.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import { type ChangeLocks, type ChangeNote, wordsOf } from "./change-locks.ts";
import { CondemnedVersions } from "./condemned-versions.ts";
import type { Digests } from "./file-digest.ts";
import type { Journal } from "./journal.ts";
import type { Rewrite } from "./journal-entry.ts";
import { planOf, type ServePlan } from "./model-plan.ts";
import type { KnownModel, ModelRegistry } from "./model-registry.ts";
import type { ModelStore } from "./model-store.ts";

export interface MoverParts {
  readonly registry: ModelRegistry;
  readonly journal: Journal;
  readonly store: ModelStore;
  readonly digests: Digests;
  readonly modelsFolder: string;
  readonly locks: ChangeLocks;
  readonly listener: MoverListener;
}

export interface MoverListener {
  onChange(note: ChangeNote): void;
  /** The model is gone, and its processes are. */
  onGone(name: string): void;
}

export interface MoveRequest {
  /** What is wanted, where it is not what the folder holds now. */
  readonly plan?: ServePlan;
  readonly renew?: ReadonlySet<string>;
  /** Done before traffic moves. */
  readonly commit?: () => Promise<void>;
  /** Of the model.yaml, by this change. */
  readonly rewrite?: Rewrite | null;
  /** Of the rollout, where it is written down already. */
  readonly record?: string | null;
}

interface Undo {
  readonly record: string | null;
  readonly rewrite: Rewrite | null;
  readonly reason: string;
  readonly versions: readonly string[];
}

export class Mover {
  readonly #parts: MoverParts;
  readonly #condemned: CondemnedVersions;

  constructor(parts: MoverParts) {
    this.#parts = parts;
    this.#condemned = new CondemnedVersions(parts);
  }

  /** Throws `invalid-model` where the folder cannot be served, or what is in it. */
  async settle(model: KnownModel, request: MoveRequest = {}): Promise<void> {
    const { rewrite = null, renew, commit } = request;
    const { life } = model;
    const plan = request.plan ?? planOf(model.folder, this.#parts.journal.facts);
    if (plan.type === "broken") throw brokenModel(life.name, plan.problem);
    const record = request.record ?? (await this.#recordOf(model, plan, rewrite));
    try {
      await life.move(plan, {
        renew: renew ?? new Set(),
        ...(commit === undefined ? {} : { commit }),
        onDone: () => void this.end(life.name, record),
        onRolledBack: (reason, versions) => {
          void this.#takeBack(model, { record, rewrite, reason, versions });
        },
      });
    } catch (thrown) {
      await this.#setAside(model, plan);
      if (rewrite !== null) await this.restore(life.name, rewrite).catch(() => undefined);
      await this.end(life.name, record);
      throw thrown;
    }
  }

  /** Gives what stands for it in the journal; null where that cannot be written, and nothing takes it back. */
  async begin(
    model: string,
    versions: readonly string[],
    rewrite: Rewrite | null,
  ): Promise<string | null> {
    const id = randomBytes(6).toString("hex");
    try {
      await this.#parts.journal.append({ type: "rolling-out", model, id, versions, rewrite });
      return id;
    } catch {
      return null;
    }
  }

  async end(model: string, record: string | null): Promise<void> {
    if (record === null) return;
    const entry = { type: "rolled-out", model, id: record } as const;
    // It is rolled out once more at the next start, which does no harm.
    await this.#parts.journal.append(entry).catch(() => undefined);
  }

  /** After a start: what was under way, and what has been mended meanwhile. */
  async resume(model: KnownModel): Promise<void> {
    const { journal, locks } = this.#parts;
    const { name } = model.life;
    await locks.afterwards("resume", name, async () => {
      const begun = journal.facts.rollingOut.get(name);
      const hasChanged = await this.forgiveChanged(model);
      if (begun === undefined && !hasChanged) return;
      await this.settle(model, { rewrite: begun?.rewrite ?? null, record: begun?.id ?? null });
    });
  }

  async refresh(model: KnownModel): Promise<void> {
    const { name } = model.life;
    model.folder = (await discoverModel(this.#parts.modelsFolder, name)) ?? goneFolder(name);
  }

  /** Those whose files are others than they were may be tried again. */
  forgiveChanged({ folder }: KnownModel): Promise<boolean> {
    return this.#condemned.forgiveChanged(folder);
  }

  /** Nothing of it runs, and nobody is to hear of it any more. */
  forget(name: string): void {
    this.#parts.registry.remove(name);
    this.#parts.listener.onGone(name);
  }

  async #recordOf(
    { life }: KnownModel,
    { versions }: ServePlan,
    rewrite: Rewrite | null,
  ): Promise<string | null> {
    const served = new Set(life.serving.map(({ version }) => version));
    const added = versions.map(({ version }) => version).filter((version) => !served.has(version));
    if (served.size === 0 || (added.length === 0 && rewrite === null)) return null;
    return this.begin(life.name, added, rewrite);
  }

  /** What could not be loaded must not come in the way of other changes, nor of the next start, while others serve. */
  async #setAside({ folder, life }: KnownModel, { versions }: ServePlan): Promise<void> {
    const { rollout, serving } = life;
    if (rollout?.name !== "rolled-back" || serving.length === 0) return;
    const served = new Set(serving.map(({ version }) => version));
    for (const { version } of versions) {
      if (!life.failures.has(version) || served.has(version)) continue;
      await this.#condemned.add(folder, version, rollout.reason).catch(() => undefined);
    }
  }

  /** Traffic is back where it was: so is what is written, and it is told when it is, so that one may rely on it. */
  async #takeBack(model: KnownModel, { record, rewrite, reason, versions }: Undo): Promise<void> {
    const { locks, registry, listener } = this.#parts;
    const { name } = model.life;
    const told = versions.length > 0 ? versions : [null];
    const notes = told.map((version) => ({ kind: "rollback", model: name, version }) as const);
    try {
      await locks.afterwards("rollback", name, async () => {
        // It may have been deleted meanwhile.
        if (registry.get(name) !== model) return;
        await this.refresh(model);
        for (const version of versions) await this.#condemned.add(model.folder, version, reason);
        if (rewrite !== null) await this.restore(name, rewrite);
        await this.refresh(model);
        await this.end(name, record);
      });
      for (const note of notes) listener.onChange({ ...note, state: "rolled-back", reason });
    } catch (thrown) {
      // It stays written down as begun, so that the next start takes care of it.
      const words = `${reason}; it could not be taken back in the models folder: ${wordsOf(thrown)}`;
      for (const note of notes) listener.onChange({ ...note, state: "failed", reason: words });
    }
  }

  /** What somebody has written since is theirs. */
  async restore(model: string, { before, written }: Rewrite): Promise<void> {
    const { store } = this.#parts;
    if ((await store.readConfig(model)) === written) await store.writeConfig(model, before);
  }
}

export function brokenModel(name: string, problem: string): TroupeError {
  return new TroupeError("invalid-model", `Cannot serve model '${name}': ${problem}`);
}

/** Stands for a model whose folder somebody has removed. */
export function goneFolder(name: string): ModelFolder {
  const problem = "has no folder any more";
  const config = new TroupeError("invalid-model", problem);
  return { name, versions: [], wanted: [], config, problem };
}
