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
import type { JournalEntry, Rewrite } from "./journal-entry.ts";
import { withEntry } from "./journal-facts.ts";
import { planOf, rewriteOf, type ServePlan } from "./model-plan.ts";
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
  /** What the journal is about to say, once this is done. */
  readonly foreseen?: JournalEntry;
  readonly renew?: ReadonlySet<string>;
  /** Done before traffic moves. */
  readonly commit?: () => Promise<void>;
  /** Of the model.yaml, by this change. */
  readonly rewrite?: Rewrite | null;
  /** Of the rollout, where it is written down already. */
  readonly records?: readonly string[];
}

interface Undo {
  readonly records: readonly string[];
  readonly rewrite: Rewrite | null;
  readonly reason: string;
  readonly versions: readonly string[];
}

export class Mover {
  readonly #parts: MoverParts;
  readonly #condemned: CondemnedVersions;
  /** Records of rollouts that this server has begun. */
  readonly #live = new Set<string>();
  /** What is still to be taken back. */
  readonly #pending = new Map<KnownModel, readonly Undo[]>();

  constructor(parts: MoverParts) {
    this.#parts = parts;
    this.#condemned = new CondemnedVersions(parts);
  }

  /** Throws `invalid-model` where the folder cannot be served, or what is in it. */
  async settle(model: KnownModel, request: MoveRequest = {}): Promise<void> {
    const { rewrite = null, renew, commit } = request;
    const { life } = model;
    const plan = this.#planFor(model, request);
    const records = request.records ?? (await this.#recordsOf(model, plan, rewrite));
    try {
      await life.move(plan, {
        renew: renew ?? new Set(),
        ...(commit === undefined ? {} : { commit }),
        onDone: () => void this.#finish(life.name, records),
        onRolledBack: (reason, versions) => {
          void this.#takeBack(model, { records, rewrite, reason, versions });
        },
      });
    } catch (thrown) {
      await this.#giveUp(model, plan, { ...request, records });
      throw thrown;
    }
  }

  #planFor({ folder, life }: KnownModel, { plan, foreseen }: MoveRequest): ServePlan {
    if (plan !== undefined) return plan;
    const { facts } = this.#parts.journal;
    const expected = foreseen === undefined ? facts : withEntry(facts, foreseen);
    const planned = planOf(folder, expected);
    if (planned.type === "broken") throw brokenModel(life.name, planned.problem);
    return planned;
  }

  /** Nothing has moved. */
  async #giveUp(model: KnownModel, plan: ServePlan, request: MoveRequest): Promise<void> {
    const { rewrite = null, records = [], foreseen } = request;
    const { name } = model.life;
    const isSmaller = await this.#setAside(model, plan);
    if (rewrite !== null) await this.restore(name, rewrite).catch(() => undefined);
    await this.end(name, records);
    await this.refresh(model);
    if (!isSmaller || request.plan !== undefined) return;
    // The others are not to blame.
    await this.settle(model, foreseen === undefined ? {} : { foreseen }).catch(() => undefined);
  }

  /** Gives what stands for it in the journal; nothing where that cannot be written, and no start takes it back. */
  async begin(model: string, rewrite: Rewrite | null): Promise<readonly string[]> {
    const { journal, registry } = this.#parts;
    const id = randomBytes(6).toString("hex");
    const serving = registry.get(model)?.life.serving ?? [];
    const served = serving.filter(({ isHopeful }) => isHopeful).map(({ version }) => version);
    try {
      await journal.append({ type: "rolling-out", model, id, served, rewrite });
      this.#live.add(id);
      return [id];
    } catch {
      return [];
    }
  }

  async end(model: string, records: readonly string[]): Promise<void> {
    for (const id of records) {
      this.#live.delete(id);
      // It is rolled out once more at the next start, which does no harm.
      const entry = { type: "rolled-out", model, id } as const;
      await this.#parts.journal.append(entry).catch(() => undefined);
    }
  }

  /** With those of servers before, which nothing else ends. */
  async #finish(model: string, records: readonly string[]): Promise<void> {
    const begun = this.#parts.journal.facts.rollingOut.get(model) ?? [];
    const left = begun.map(({ id }) => id).filter((id) => !this.#live.has(id));
    await this.end(model, [...new Set([...left, ...records])]);
  }

  /** After a start: what was under way, and what has been mended meanwhile. */
  async resume(model: KnownModel): Promise<void> {
    const { journal, locks } = this.#parts;
    const { name } = model.life;
    await locks.afterwards("resume", name, async () => {
      const begun = journal.facts.rollingOut.get(name) ?? [];
      const hasChanged = await this.forgiveChanged(model);
      if (begun.length === 0 && !hasChanged) return;
      const records = begun.map(({ id }) => id);
      await this.settle(model, { rewrite: rewriteOf(begun), records });
    });
  }

  async refresh(model: KnownModel): Promise<void> {
    const { name } = model.life;
    model.folder = (await discoverModel(this.#parts.modelsFolder, name)) ?? goneFolder(name);
  }

  /** Those whose files are others than they were may be tried again. */
  async forgiveChanged({ folder, life }: KnownModel): Promise<boolean> {
    const forgiven = await this.#condemned.forgiveChanged(folder);
    for (const version of forgiven) life.failures.delete(version);
    return forgiven.length > 0;
  }

  /** Nothing of it runs, and nobody is to hear of it any more. */
  forget(name: string): void {
    this.#parts.registry.remove(name);
    this.#parts.listener.onGone(name);
  }

  async #recordsOf(
    { life }: KnownModel,
    { versions }: ServePlan,
    rewrite: Rewrite | null,
  ): Promise<readonly string[]> {
    const served = new Set(life.serving.map(({ version }) => version));
    const isSame = versions.every(({ version }) => served.has(version)) && rewrite === null;
    return served.size === 0 || isSame ? [] : this.begin(life.name, rewrite);
  }

  /**
   * What could not be loaded must not come in the way of other changes, nor of the next start, while others serve. Gives
   * whether there are others beside it that were to be loaded.
   */
  async #setAside({ folder, life }: KnownModel, { versions }: ServePlan): Promise<boolean> {
    const { rollout, culprit, serving } = life;
    const serves = serving.filter(({ isHopeful }) => isHopeful).map(({ version }) => version);
    if (rollout?.name !== "rolled-back" || culprit === null || serves.length === 0) return false;
    const isOfThis = versions.some(({ version }) => version === culprit);
    if (!isOfThis || serves.includes(culprit) || !life.failures.has(culprit)) return false;
    await this.#condemned.add(folder, culprit, rollout.reason);
    return versions.some(({ version }) => version !== culprit && !serves.includes(version));
  }

  /** Carried out before anything else is decided of the model, by whoever holds its lock. */
  async catchUp(model: KnownModel): Promise<void> {
    const undos = this.#pending.get(model) ?? [];
    this.#pending.delete(model);
    const { name } = model.life;
    for (const { records, rewrite } of undos) {
      if (rewrite !== null) await this.restore(name, rewrite);
      await this.end(name, records);
    }
    await this.refresh(model);
  }

  /** Traffic is back where it was: so is what is written, and it is told when it is, so that one may rely on it. */
  async #takeBack(model: KnownModel, undo: Undo): Promise<void> {
    const { reason, versions } = undo;
    const { locks, registry, listener } = this.#parts;
    const { name } = model.life;
    const told = versions.length > 0 ? versions : [null];
    const notes = told.map((version) => ({ kind: "rollback", model: name, version }) as const);
    this.#pending.set(model, [...(this.#pending.get(model) ?? []), undo]);
    try {
      // At once, whatever else is under way: it must not be loaded again.
      for (const version of versions) await this.#condemned.add(model.folder, version, reason);
      await locks.afterwards("rollback", name, async () => {
        // It may have been deleted meanwhile.
        if (registry.get(name) === model) await this.catchUp(model);
        else this.#pending.delete(model);
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
    const { store, journal } = this.#parts;
    journal.checkOurs();
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
