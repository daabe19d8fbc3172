/*
 * Moves models to what their folders hold and the journal says. Where that fails, or does not last, the version that
 * failed is condemned, and what was written is taken back. A rollout is recorded from before its files change until it
 * has lasted, so that a server that is killed meanwhile begins with what served before, and rolls out again.
 */
import { discoverModel } from "../src/config/model-folder.ts";
import { type ChangeNote, wordsOf } from "./change-locks.ts";
import type { ChangeParts } from "./change-parts.ts";
import { CondemnedVersions } from "./condemned-versions.ts";
import { Decisions } from "./decisions.ts";
import type { Digests } from "./file-digest.ts";
import { replacedVersions } from "./folder-drift.ts";
import type { HostSlot } from "./host-slot.ts";
import type { Rewrite, RollingOut } from "./journal-entry.ts";
import { isWanted } from "./journal-facts.ts";
import type { FailedMove } from "./life-parts.ts";
import { goneFolder } from "./model-plan.ts";
import type { KnownModel } from "./model-registry.ts";
import { planFor } from "./move-plan.ts";
import type { Attempt, Condemned, MoveRequest } from "./move-request.ts";
import { rollbackWords } from "./rollout.ts";
import { RolloutRecords } from "./rollout-records.ts";
import { overtaken } from "./rollout-run.ts";
import { type TakeBack, TakeBacks, writtenIn } from "./take-backs.ts";

export interface MoverParts extends ChangeParts {
  readonly digests: Digests;
  readonly listener: MoverListener;
}

export interface MoverListener {
  onChange(note: ChangeNote): void;
  /** The model is gone, and its processes are. */
  onGone(name: string): void;
}

export class Mover {
  readonly #parts: MoverParts;
  readonly #condemned: CondemnedVersions;
  readonly #records: RolloutRecords;
  readonly #takeBacks: TakeBacks;

  constructor(parts: MoverParts) {
    this.#parts = parts;
    this.#condemned = new CondemnedVersions(parts);
    this.#records = new RolloutRecords(parts.journal);
    this.#takeBacks = new TakeBacks({
      configs: parts.store.configs,
      journal: parts.journal,
      records: this.#records,
    });
  }

  /** Throws `invalid-model` where the folder cannot be served, or what is in it. */
  async settle(model: KnownModel, request: MoveRequest = {}): Promise<void> {
    try {
      await this.#settle(model, request);
    } finally {
      const { facts } = this.#parts.journal;
      model.life.forgive((version) => isWanted({ model: model.life.name, version }, facts));
    }
  }

  async #settle(model: KnownModel, request: MoveRequest): Promise<void> {
    const { name } = model.life;
    const isServed = model.life.hopeful.length > 0;
    const records = request.records ?? (await this.#record(model, request));
    const written = { records, rewrites: request.rewrites ?? [] };
    const failures: FailedMove[] = [];
    const decisions = new Decisions(this.#parts.journal, name, request.decisions ?? []);
    try {
      await this.#move(model, request, { written, failures, decisions });
    } catch (thrown) {
      await decisions.undo();
      const condemned = await this.#condemn(model, request, failures);
      const goesOn = request.leavesOut === "always" || !isServed;
      if (condemned !== null && goesOn) {
        return this.#settleWithout(condemned, {
          model,
          request: { ...request, ...written },
          thrown,
        });
      }
      await this.takeBack(name, written).catch(() => undefined);
      await this.refresh(model);
      if (condemned !== null) await this.#settleOthers(model, condemned);
      throw thrown;
    }
  }

  /** The others are not to blame, nor is what stands in for it. */
  async #settleOthers(model: KnownModel, condemned: Condemned): Promise<void> {
    await this.settle(model).catch(() => undefined);
    model.life.failures.set(condemned.version, rollbackWords(condemned.reason));
  }

  async #move(
    model: KnownModel,
    request: MoveRequest,
    { written, failures, decisions }: Attempt,
  ): Promise<void> {
    const { life } = model;
    // It was decided on what is not written for long any more.
    if (this.#takeBacks.isPending(life.name)) throw overtaken();
    await life.move(planFor(model, request, this.#parts.journal.facts), {
      onFailed: (failure) => failures.push(failure),
      renew: request.renew ?? new Set(),
      commit: async () => {
        await request.commit?.();
        await decisions.write();
      },
      onDone: () => void this.#records.finish(life.name, written.records),
      onRolledBack: (reason, versions) => {
        void this.#rollBack(model, written, { reason, versions });
      },
    });
  }

  /** Nothing where nothing serves, or the same goes on. */
  #record(model: KnownModel, request: MoveRequest): Promise<readonly string[]> {
    const { rewrites = [] } = request;
    const served = new Set(model.life.serving.map(({ version }) => version));
    const { versions } = planFor(model, request, this.#parts.journal.facts);
    const fresh = versions.map(({ version }) => version).filter((one) => !served.has(one));
    const isSame = fresh.length === 0 && rewrites.length === 0;
    if (served.size === 0 || isSame) return Promise.resolve([]);
    return this.begin(model.life.name, fresh, rewrites[0] ?? null);
  }

  /** Records a rollout of new versions. */
  begin(
    model: string,
    versions: readonly string[],
    rewrite: Rewrite | null,
  ): Promise<readonly string[]> {
    const served = this.#parts.registry.get(model)?.life.hopeful ?? [];
    return this.#records.begin(model, { served, versions, rewrite });
  }

  /**
   * What could not be loaded must not come in the way of other changes, nor of the next start, where others serve or
   * can. Null where nobody is condemned: it serves otherwise, or is not among what is wanted without this change.
   */
  async #condemn(
    model: KnownModel,
    request: MoveRequest,
    [failure]: readonly FailedMove[],
  ): Promise<Condemned | null> {
    const version = failure?.culprit ?? null;
    if (failure === undefined || version === null) return null;
    const isInnocent = model.life.standingBy.includes(version) || version === request.about;
    if (isInnocent || !this.#isInTheWay(model, version, request)) return null;
    await this.#condemned.add(model.folder, version, failure.reason);
    return { version, reason: failure.reason };
  }

  #isInTheWay(model: KnownModel, version: string, request: MoveRequest): boolean {
    const isServed = model.life.hopeful.length > 0;
    const { versions } = planFor(model, isServed ? {} : request, this.#parts.journal.facts);
    const isPlanned = versions.some((one) => one.version === version);
    return isPlanned && (isServed || (request.leavesOut !== undefined && versions.length > 1));
  }

  /** Where none can be loaded, none is condemned. */
  async #settleWithout(
    condemned: Condemned,
    { model, request, thrown }: { model: KnownModel; request: MoveRequest; thrown: unknown },
  ): Promise<void> {
    const { life } = model;
    try {
      await this.settle(model, request);
      life.failures.set(condemned.version, rollbackWords(condemned.reason));
    } catch {
      if (life.hopeful.length === 0) await this.#condemned.forgive(life.name, condemned.version);
      throw thrown;
    }
  }

  /** Throws TroupeError where it cannot be; it is tried again before the next change then. */
  async takeBack(model: string, written: TakeBack): Promise<void> {
    this.#takeBacks.add(model, written);
    await this.#takeBacks.carryOut(model);
  }

  /** Traffic is back where it was: so is what is written, and it is told when it is, so that one may rely on it. */
  async #rollBack(
    model: KnownModel,
    written: TakeBack,
    { reason, versions }: { readonly reason: string; readonly versions: readonly string[] },
  ): Promise<void> {
    const { locks, registry } = this.#parts;
    const { name } = model.life;
    const condemned = versions.map((one) => this.#condemned.add(model.folder, one, reason));
    this.#takeBacks.add(name, written);
    try {
      await locks.afterwards("rollback", name, async () => {
        // It may have been deleted meanwhile.
        const isThere = registry.get(name) === model;
        if (isThere) await this.catchUp(model);
        this.#tell(name, versions, { state: "rolled-back", reason });
        for (const version of isThere ? versions : []) {
          await this.#settleOthers(model, { version, reason });
        }
      });
    } catch (thrown) {
      // It stays recorded, so that the next change or start takes care of it.
      const words = `${reason}; it could not be taken back in the models folder: ${wordsOf(thrown)}`;
      this.#tell(name, versions, { state: "failed", reason: words });
    }
    await Promise.all(condemned);
  }

  #tell(
    model: string,
    versions: readonly string[],
    what: { readonly state: "rolled-back" | "failed"; readonly reason: string },
  ): void {
    for (const version of versions.length > 0 ? versions : [null]) {
      this.#parts.listener.onChange({ kind: "rollback", model, version, ...what, requestId: null });
    }
  }

  /** After a start: what was under way, and what has been mended meanwhile. */
  async resume(model: KnownModel): Promise<void> {
    try {
      await this.#resumed(model, () => this.#resumeRollouts(model));
    } finally {
      await this.#condemned.read(model.folder);
      await this.#resumed(model, async () => {
        if (await this.forgiveChanged(model)) await this.settle(model, { leavesOut: "unserved" });
      });
    }
  }

  #resumed(model: KnownModel, act: () => Promise<void>): Promise<void> {
    const { locks, registry } = this.#parts;
    const { name } = model.life;
    return locks.afterwards("resume", name, async () => {
      if (registry.get(name) === model) await act();
    });
  }

  async #resumeRollouts(model: KnownModel): Promise<void> {
    const begun = this.#records.adopt(model.life.name);
    if (begun.length === 0) return;
    const place = { model: model.life.name, version: null, why: "the server ended in a rollout" };
    await this.#parts.locks.told("resume", place, () => this.#takeUp(model, begun));
  }

  async #takeUp(model: KnownModel, begun: readonly RollingOut[]): Promise<void> {
    const { name } = model.life;
    const condemned = this.#parts.journal.facts.rolledBack.get(name);
    const hasFailed = ({ versions }: RollingOut) => versions.some((one) => condemned?.has(one));
    const failed = begun.findIndex(hasFailed);
    const sound = failed < 0 ? begun : begun.slice(0, failed);
    // What came later stands on it.
    if (failed >= 0) await this.takeBack(name, writtenIn(begun.slice(failed)));
    await this.refresh(model);
    await this.settle(model, { ...writtenIn(sound), leavesOut: "always" });
  }

  /** To be done before anything is decided of the model, by whoever holds its lock. */
  async catchUp(model: KnownModel): Promise<void> {
    await this.#takeBacks.carryOut(model.life.name);
    await this.refresh(model);
  }

  async refresh(model: KnownModel): Promise<void> {
    const { name } = model.life;
    const folder = (await discoverModel(this.#parts.modelsFolder, name)) ?? goneFolder(name);
    this.#parts.registry.noteFolder(model, folder);
  }

  /** The versions that serve from files that hold something else by now. */
  replaced(model: KnownModel): Promise<ReadonlySet<string>> {
    return replacedVersions(model.folder, model.life.serving, this.#parts.digests);
  }

  /** A host that begins anew reads what is there by then: a file that nobody has tried yet is rolled out. */
  async follow(model: KnownModel, host: HostSlot): Promise<void> {
    const { locks, registry, modelsFolder, digests } = this.#parts;
    const { name } = model.life;
    const groups = model.life.serving.filter(({ all }) => all.includes(host));
    const seen = await discoverModel(modelsFolder, name);
    if (seen === undefined || (await replacedVersions(seen, groups, digests)).size === 0) return;
    await locks.inTurn("watch", { model: name, version: null }, async () => {
      if (registry.get(name) !== model) return;
      await this.catchUp(model);
      const renew = await this.replaced(model);
      if (renew.size > 0) await this.settle(model, { renew });
    });
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
    this.#takeBacks.forget(name);
    this.#parts.listener.onGone(name);
  }
}
