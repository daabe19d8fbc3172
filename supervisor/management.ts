/*
 * Answers what front doors ask about models, and has done what they ask to be done to them. Who carries a change out is
 * the desk and the installer; this is where they meet the doors, the feed and the log.
 */
import { describeConfig } from "../src/config/config-origins.ts";
import type { Clock } from "../src/platform/clock.ts";
import type { Log } from "../src/platform/log.ts";
import { TroupeError, toFailure } from "../src/protocol/errors.ts";
import { noSuchVersion } from "../src/protocol/model-refusals.ts";
import type { ModelChange, Question, Reply } from "../src/protocol/questions.ts";
import { ChangeDesk } from "./change-desk.ts";
import { ChangeLocks, type ChangeNote } from "./change-locks.ts";
import type { Feed } from "./feed.ts";
import { Digests } from "./file-digest.ts";
import { FolderFollower } from "./folder-follower.ts";
import type { MakeHostSlot } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import { Installer } from "./installer.ts";
import type { Journal } from "./journal.ts";
import { describeModel, describeVersion } from "./model-description.ts";
import type { KnownModel, ModelRegistry } from "./model-registry.ts";
import type { ModelStore } from "./model-store.ts";
import { Mover } from "./mover.ts";
import { PoisonList } from "./poison-list.ts";
import { tryModel } from "./trial-host.ts";
import { Uploads } from "./uploads.ts";

export interface ManagementParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: ModelRegistry;
  readonly journal: Journal;
  readonly store: ModelStore;
  readonly modelsFolder: string;
  readonly makeSlot: MakeHostSlot;
  readonly feed: Feed;
  /** Null where nobody looks at the folder. */
  readonly watchMs: number | null;
  readonly listener: ManagementListener;
}

export interface ManagementListener {
  onChange(note: ChangeNote): void;
  onGone(name: string): void;
}

const changes: readonly Question["type"][] = ["open-upload", "name-upload", "change"];

export type ModelQuestion = Exclude<Question, { type: "tree" | "metrics" }>;

export class Management {
  readonly #parts: ManagementParts;
  readonly #digests = new Digests();
  readonly #locks: ChangeLocks;
  readonly #mover: Mover;
  readonly #desk: ChangeDesk;
  readonly #installer: Installer;
  readonly #uploads: Uploads;
  readonly #follower: FolderFollower | undefined;
  /** Throwaway hosts. */
  readonly #trials = new Set<HostSlot>();
  #isStopping = false;

  constructor(parts: ManagementParts) {
    this.#parts = parts;
    const listener = {
      onChange: (note: ChangeNote) => this.#note(note),
      onGone: (name: string) => parts.listener.onGone(name),
    };
    const digests = this.#digests;
    const locks = new ChangeLocks(listener.onChange);
    const mover = new Mover({ ...parts, digests, locks, listener });
    this.#locks = locks;
    this.#mover = mover;
    this.#desk = new ChangeDesk({ ...parts, locks, mover });
    this.#uploads = new Uploads(parts.store);
    this.#installer = new Installer({
      ...parts,
      digests,
      locks,
      mover,
      trial: (plan) =>
        tryModel(plan, {
          clock: parts.clock,
          makeSlot: parts.makeSlot,
          ordinal: parts.registry.nextOrdinal(),
          poison: new PoisonList(parts.clock),
          onStep: (step) => this.#noteStep(plan.model, plan.version, step),
          onHost: (host, isThere) => {
            if (isThere) this.#trials.add(host);
            else this.#trials.delete(host);
          },
        }),
      onStep: (model, version, step) => this.#noteStep(model, version, step),
    });
    const { watchMs } = parts;
    if (watchMs === null) return;
    this.#follower = new FolderFollower({ ...parts, watchMs, locks, mover, digests });
  }

  get trials(): readonly HostSlot[] {
    return [...this.#trials];
  }

  start(): void {
    for (const model of this.#parts.registry.known) {
      this.#mover.resume(model).catch((thrown: unknown) => {
        this.#parts.log.warn({ err: thrown, model: model.life.name }, "cannot resume");
      });
    }
    this.#follower?.start().catch((thrown: unknown) => {
      this.#parts.log.error({ err: thrown }, "cannot watch the models folder");
    });
  }

  /** Nothing is changed any more. */
  stop(): void {
    this.#isStopping = true;
    this.#follower?.stop();
  }

  async answer(door: object, question: ModelQuestion): Promise<Reply> {
    try {
      if (changes.includes(question.type)) this.#checkOpen();
      return { type: "body", body: JSON.stringify(await this.#answer(door, question)) };
    } catch (thrown) {
      if (!(thrown instanceof TroupeError)) {
        this.#parts.log.error({ err: thrown, question: question.type }, "cannot answer");
      }
      return { type: "failed", failure: toFailure(thrown) };
    }
  }

  #checkOpen(): void {
    if (this.#isStopping) {
      throw new TroupeError("draining", "Cannot change models: the server is draining");
    }
    this.#parts.journal.checkOurs();
  }

  noteProgress(uploadId: string, bytes: number): void {
    const model = this.#uploads.modelOf(uploadId);
    const details = { upload_id: uploadId, bytes };
    this.#parts.feed.note({
      type: "upload",
      model,
      version: null,
      state: "receiving",
      reason: null,
      details,
    });
  }

  dropUpload(uploadId: string): void {
    void this.#uploads.drop(uploadId).catch(() => undefined);
  }

  forgetDoor(door: object): void {
    void this.#uploads.forget(door).catch(() => undefined);
  }

  #answer(door: object, question: ModelQuestion): Promise<unknown> {
    switch (question.type) {
      case "models":
        return this.#list();
      case "model":
        return this.#describe(this.#parts.registry.find(question.model));
      case "version":
        return this.#describeVersion(this.#parts.registry.find(question.model), question.version);
      case "config":
        return this.#describeConfig(this.#parts.registry.find(question.model));
      case "open-upload":
        return this.#uploads.open(door);
      case "name-upload":
        return this.#nameUpload(question);
      case "change":
        return this.#change(question.change);
    }
  }

  async #list(): Promise<unknown> {
    const { registry } = this.#parts;
    const models = await Promise.all(registry.known.map((model) => this.#describe(model)));
    return { models, count: models.length };
  }

  #describe(model: KnownModel): Promise<unknown> {
    const view = this.#parts.registry.view(model);
    const change = this.#locks.current(model.life.name);
    return describeModel(model, { digests: this.#digests, view, change });
  }

  async #describeVersion(model: KnownModel, version: string): Promise<unknown> {
    const view = this.#parts.registry.view(model);
    const found = view.versions.find((one) => one.version === version);
    const { name } = model.life;
    if (found === undefined) throw noSuchVersion(name, version, view.versions);
    const described = await describeVersion(model, found, { digests: this.#digests });
    return { id: name, ...described };
  }

  async #describeConfig({ life, folder }: KnownModel): Promise<unknown> {
    if (folder.config instanceof TroupeError) throw folder.config;
    const text = await this.#parts.store.readConfig(life.name).catch(() => "");
    return { id: life.name, ...describeConfig(text, life.config ?? folder.config) };
  }

  async #nameUpload(question: Extract<Question, { type: "name-upload" }>): Promise<unknown> {
    const { uploadId, model, version } = question;
    if (version !== null) await this.#installer.checkFree(model, version);
    this.#uploads.name(uploadId, model);
    return {};
  }

  async #change(change: ModelChange): Promise<unknown> {
    if (change.type === "upload") return this.#upload(change);
    await this.#desk.carryOut(change);
    const { type, model: name } = change;
    const done = { done: type, version: "version" in change ? change.version : null };
    const model = this.#parts.registry.get(name);
    if (model === undefined) return { id: name, ...done, state: "deleted" };
    return { ...done, ...((await this.#describe(model)) as object) };
  }

  async #upload(change: Extract<ModelChange, { type: "upload" }>): Promise<unknown> {
    try {
      this.#uploads.take(change.uploadId, change.model);
      const version = await this.#installer.install(change);
      const model = this.#parts.registry.find(change.model);
      const described = await this.#describeVersion(model, version);
      return { done: "upload", name: change.model, ...(described as object) };
    } finally {
      await this.#uploads.end(change.uploadId).catch(() => undefined);
    }
  }

  #note(note: ChangeNote): void {
    const { feed, log, listener } = this.#parts;
    const { kind, model, version, state, reason } = note;
    feed.note({ type: "change", model, version, state, reason, details: { change: kind } });
    const fields = { change: kind, model, version, reason };
    if (state === "failed" || state === "rolled-back") log.warn(fields, `change ${state}`);
    else log.info(fields, `change ${state}`);
    listener.onChange(note);
  }

  #noteStep(model: string, version: string, step: string): void {
    this.#parts.log.info({ model, version, step }, "change step");
    this.#parts.feed.note({
      type: "change",
      model,
      version,
      state: step,
      reason: null,
      details: { change: "upload" },
    });
  }
}
