/*
 * Answers what front doors ask about models, and has done what they ask to be done to them. Who carries a change out is
 * the desk and the installer; this is where they meet the doors, the feed and the log.
 */
import type { Clock } from "../src/platform/clock.ts";
import type { Log } from "../src/platform/log.ts";
import { TroupeError, toFailure } from "../src/protocol/errors.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { ModelChange, Question, Reply } from "../src/protocol/questions.ts";
import { ChangeDesk } from "./change-desk.ts";
import { ChangeLocks, type ChangeNote } from "./change-locks.ts";
import { changeWords } from "./change-words.ts";
import { Descriptions } from "./descriptions.ts";
import type { Feed } from "./feed.ts";
import { Digests } from "./file-digest.ts";
import { FolderFollower } from "./folder-follower.ts";
import type { GroupPlan, MakeHostSlot } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import { Installer, type Upload } from "./installer.ts";
import type { Journal } from "./journal.ts";
import { modelsIn } from "./journal-facts.ts";
import { refuseLoose } from "./loose-models.ts";
import type { ModelLife } from "./model-life.ts";
import { ModelReader } from "./model-reader.ts";
import type { KnownModel, ModelRegistry } from "./model-registry.ts";
import type { ModelStore } from "./model-store.ts";
import { Mover } from "./mover.ts";
import { Trials } from "./trials.ts";
import { type DropReason, type UploadEnd, UploadNews } from "./upload-news.ts";
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

export interface EndedChange extends Pick<ChangeNote, "kind" | "model"> {
  readonly state: ChangeNote["state"] | UploadEnd;
}

export interface ManagementListener {
  /** Of uploads too that have ended before a change began; the model is empty where nobody knows it. */
  onChange(note: EndedChange): void;
  onGone(name: string): void;
  /** What versions take and give that are not loaded is known again. */
  onRecalled(life: ModelLife): void;
}

interface ChangeStep {
  readonly model: string;
  readonly version: string;
  readonly step: string;
}

const changes: readonly Question["type"][] = ["open-upload", "name-upload", "change"];

export type ModelQuestion = Exclude<
  Question,
  { type: "tree" | "metrics" | "statistics" | "log-level" | "logs" | "trace-setting" | "traces" }
>;

export class Management {
  readonly #parts: ManagementParts;
  readonly #descriptions: Descriptions;
  readonly #reader: ModelReader;
  readonly #mover: Mover;
  readonly #desk: ChangeDesk;
  readonly #installer: Installer;
  readonly #uploads: Uploads;
  readonly #uploadNews: UploadNews;
  readonly #follower: FolderFollower | undefined;
  readonly #trials: Trials;
  #isStopping = false;

  constructor(parts: ManagementParts) {
    this.#parts = parts;
    const listener = {
      onChange: (note: ChangeNote) => this.#note(note),
      onGone: (name: string) => parts.listener.onGone(name),
    };
    const digests = new Digests(parts.clock);
    const locks = new ChangeLocks(listener.onChange);
    const mover = new Mover({ ...parts, digests, locks, listener });
    const { registry, store, journal } = parts;
    const descriptions = new Descriptions({ journal, digests });
    this.#trials = new Trials({ ...parts, digests });
    this.#descriptions = descriptions;
    this.#reader = new ModelReader({ registry, store, digests, descriptions, locks });
    this.#mover = mover;
    const onWarnings = (model: string, warnings: readonly string[]) => {
      for (const reason of warnings) parts.log.warn({ model, reason }, "configuration");
    };
    this.#desk = new ChangeDesk({
      ...parts,
      locks,
      mover,
      trial: this.#tryFor("configure"),
      onWarnings,
    });
    this.#uploads = new Uploads(parts.store);
    const onDropped = (model: string, state: UploadEnd) =>
      parts.listener.onChange({ kind: "upload", model, state });
    this.#uploadNews = new UploadNews({ ...parts, onDropped });
    this.#installer = new Installer({
      ...parts,
      locks,
      mover,
      trial: this.#tryFor("upload"),
      onWarnings,
      onStep: (model, version, step) => this.#noteStep("upload", { model, version, step }),
    });
    const { watchMs } = parts;
    if (watchMs === null) return;
    this.#follower = new FolderFollower({ ...parts, watchMs, locks, mover, digests });
  }

  #tryFor(change: string): (plan: GroupPlan) => Promise<ModelMetadata> {
    return (plan) => {
      const { model, version } = plan;
      return this.#trials.run(plan, (step) => this.#noteStep(change, { model, version, step }));
    };
  }

  get trials(): readonly HostSlot[] {
    return this.#trials.hosts;
  }

  start(): void {
    const { journal, registry } = this.#parts;
    if (journal.isOurs) this.#forgetGone();
    // What another server has begun is its own to finish.
    for (const model of journal.isOurs ? registry.known : []) {
      this.#mover.resume(model).catch((thrown: unknown) => {
        this.#parts.log.warn({ err: thrown, model: model.life.name }, "cannot resume");
      });
    }
    this.#follower?.start().catch((thrown: unknown) => {
      this.#parts.log.error({ err: thrown }, "cannot watch the models folder");
    });
  }

  /** What was said of models whose folders somebody has removed does not hold of others with their names. */
  #forgetGone(): void {
    const { journal, registry } = this.#parts;
    const gone = [...modelsIn(journal.facts)].filter((name) => registry.get(name) === undefined);
    for (const model of gone) {
      // What cannot be written is as true at the next start.
      void journal.append({ type: "deleted", model, version: null }).catch(() => undefined);
    }
  }

  /** Nothing is changed any more. */
  stop(): void {
    this.#isStopping = true;
    this.#follower?.stop();
  }

  noteReady(host: HostSlot): void {
    const { model, version, file, metadata } = host;
    if (metadata === undefined) return;
    void this.#descriptions.note({ model, version, file }, metadata);
    const known = this.#parts.registry.get(model);
    if (known === undefined || this.#isStopping || !this.#parts.journal.isOurs) return;
    // It stays as it is where that fails, and why is told.
    this.#mover.follow(known, host).catch(() => undefined);
  }

  /** Once there is time for it, since it takes the reading of every file. */
  recallAll(): void {
    const { registry, listener, log } = this.#parts;
    this.#descriptions
      .recallAll(registry.known, (life) => listener.onRecalled(life))
      .catch((thrown: unknown) => log.error({ err: thrown }, "cannot recall what models take"));
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
    this.#uploadNews.progress(uploadId, this.#uploads.modelOf(uploadId), bytes);
  }

  async dropUpload(uploadId: string, why: DropReason): Promise<void> {
    const dropped = await this.#uploads.drop(uploadId);
    if (dropped !== undefined) this.#uploadNews.dropped(dropped, why);
  }

  async forgetDoor(door: object): Promise<void> {
    const why = { code: "cancelled", message: "its front door ended" } as const;
    for (const dropped of await this.#uploads.forget(door)) this.#uploadNews.dropped(dropped, why);
  }

  #answer(door: object, question: ModelQuestion): Promise<unknown> {
    switch (question.type) {
      case "models":
        return this.#reader.list();
      case "model":
        return this.#reader.model(question.model);
      case "version":
        return this.#reader.version(question.model, question.version);
      case "config":
        return this.#reader.config(question.model);
      case "open-upload":
        return this.#uploads.open(door, question.requestId);
      case "name-upload":
        return this.#nameUpload(question);
      case "change":
        return this.#change(question.change, question.requestId);
    }
  }

  async #nameUpload(question: Extract<Question, { type: "name-upload" }>): Promise<unknown> {
    const { uploadId, model, version } = question;
    // First, so that what is told of an upload that is refused names its model.
    this.#uploads.name(uploadId, model);
    if (version !== null) await this.#installer.checkFree(model, version);
    return {};
  }

  async #change(change: ModelChange, requestId: string): Promise<unknown> {
    refuseLoose(change, this.#parts.registry.get(change.model));
    if (change.type === "upload") return this.#upload(change, requestId);
    await this.#desk.carryOut(change, requestId);
    const { type, model: name } = change;
    const version = "version" in change ? change.version : null;
    const done = { done: type, message: changeWords(type, name, version) };
    const isThere = this.#parts.registry.get(name) !== undefined;
    if (!isThere) return { id: name, version, ...done, state: "deleted" };
    const model = await this.#reader.model(name);
    return version === null ? { ...model, ...done } : { ...model, version, ...done };
  }

  async #upload(change: Upload, requestId: string): Promise<unknown> {
    try {
      this.#uploads.take(change.uploadId, change.model);
      return await this.#install(change, requestId);
    } finally {
      await this.#uploads.end(change.uploadId).catch(() => undefined);
    }
  }

  async #install(change: Upload, requestId: string): Promise<unknown> {
    const { model: name } = change;
    const { version, metadata } = await this.#installer.install(change, requestId);
    await this.#noteTried(this.#parts.registry.find(name), version, metadata);
    return { done: "upload", name, ...(await this.#reader.version(name, version)) };
  }

  /** One that its configuration does not select was in no other host than that of the trial. */
  async #noteTried(
    { folder, life }: KnownModel,
    version: string,
    metadata: ModelMetadata,
  ): Promise<void> {
    const found = folder.versions.find((one) => one.version === version);
    if (found === undefined || life.known.has(version)) return;
    life.known.set(version, metadata);
    await this.#descriptions.note({ model: life.name, version, file: found.file }, metadata);
  }

  #note(note: ChangeNote): void {
    const { feed, log, listener } = this.#parts;
    const { kind, model, version, state, reason, requestId } = note;
    feed.note({ type: "change", model, version, state, reason, details: { change: kind } });
    const fields = { change: kind, model, version, reason, request_id: requestId ?? undefined };
    if (state === "failed" || state === "rolled-back") log.warn(fields, `change ${state}`);
    else log.info(fields, `change ${state}`);
    listener.onChange(note);
  }

  #noteStep(change: string, { model, version, step }: ChangeStep): void {
    this.#parts.log.info({ model, version, step }, "change step");
    const details = { change };
    this.#parts.feed.note({ type: "change", model, version, state: step, reason: null, details });
  }
}
