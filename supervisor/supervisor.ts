/*
 * The supervisor's shell: it owns the slots and tells the front doors what runs. It carries no request.
 * Each slot's life is its own; what a model should be is the registry's.
 */

import PQueue from "p-queue";
import type { EpochMillis } from "../src/platform/clock.ts";
import { ownFigures } from "../src/platform/figures.ts";
import type { DoorCommand } from "../src/protocol/control.ts";
import type { Question } from "../src/protocol/questions.ts";
import type { ModelView, ServerView } from "../src/protocol/views.ts";
import { answerQuestion } from "./answering.ts";
import { type DoorListener, DoorSlot } from "./door-slot.ts";
import type { LastExit } from "./exit-cause.ts";
import { Feed } from "./feed.ts";
import type { MakeHostSlot } from "./host-group.ts";
import { HostLogs } from "./host-logs.ts";
import { HostSlot } from "./host-slot.ts";
import { LifeNews } from "./life-news.ts";
import { Management } from "./management.ts";
import { MemoryKillHistory, memoryKills } from "./memory-kills.ts";
import { bootPlanOf, planOf } from "./model-plan.ts";
import { ModelRegistry } from "./model-registry.ts";
import { rollbackWords } from "./rollout.ts";
import { Scrape } from "./scrape.ts";
import { type SlotContext, withoutQueues } from "./slot.ts";
import { createSupervisorMetrics } from "./supervisor-metrics.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
import { Tick } from "./tick.ts";
import { Tracing } from "./tracing.ts";

/** Beside a body, a frame holds ids and a few numbers. */
const frameOverheadBytes = 1_024;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #registry: ModelRegistry;
  readonly #doors: readonly DoorSlot[];
  readonly #scrape: Scrape;
  readonly #feed: Feed;
  readonly #management: Management;
  readonly #tracing: Tracing;
  readonly #metrics = createSupervisorMetrics(() => ({
    models: this.#registry.models,
    doors: this.#doors,
  }));
  readonly #hostLogs = new HostLogs();
  readonly #memoryKills = new MemoryKillHistory(memoryKills);
  readonly #startedAt: EpochMillis;
  readonly #tick: Tick;
  #server: ServerView;
  #hasListened = false;

  constructor(options: SupervisorOptions) {
    const { clock, log, hostDrainMs: drainMs } = options;
    this.#options = options;
    const changesRefused = options.journal.refusal;
    this.#server = { draining: false, started: false, changesRefused };
    this.#tracing = new Tracing(options, (command) => this.#tellDoors(command));
    this.#startedAt = clock.wall();
    const memoryKills = this.#memoryKills;
    this.#tick = new Tick({ clock, memoryKills, members: () => this.#members });
    this.#scrape = new Scrape({
      clock,
      own: this.#metrics,
      members: () => this.#members,
      models: () => this.#registry.models,
    });
    const context = this.#slotContext();
    this.#feed = new Feed(clock, (event) => this.#tellDoors({ type: "events", events: [event] }));
    const news = new LifeNews({
      clock,
      log,
      hostLogs: this.#hostLogs,
      feed: this.#feed,
      metrics: this.#metrics,
      view: (life) => this.#registry.viewOf(life.name),
      listener: {
        onView: (view) => this.#onView(view),
        onGone: (name) => this.#onGone(name),
        onMetrics: (host, reportId, metrics) => this.#scrape.note(host, reportId, metrics),
        onReady: (host) => this.#management.noteReady(host),
        onDown: (host, hostId, exit) => this.#onHostDown(host, hostId, exit),
      },
    });
    const makeSlot = this.#slotMaker(context);
    this.#registry = new ModelRegistry({ clock, makeSlot, drainMs, listener: news });
    this.#management = this.#makeManagement(makeSlot, news);
    const doorContext = withoutQueues(context);
    this.#doors = Array.from({ length: options.frontDoors }, (_, index) => {
      const { doorSettings: settings, handle, grpcHandle, forkDoor: fork } = options;
      return this.#makeDoor(doorContext, { index, settings, handle, grpcHandle, fork });
    });
  }

  #makeManagement(makeSlot: MakeHostSlot, news: LifeNews): Management {
    return new Management({
      ...this.#options,
      registry: this.#registry,
      makeSlot,
      feed: this.#feed,
      listener: {
        onChange: ({ kind, model, state }) => this.#metrics.countChange(kind, model, state),
        onGone: (name) => news.forget(name),
        onRecalled: (life) => news.onView(life),
      },
    });
  }

  start(): void {
    const { models, journal } = this.#options;
    const { facts } = journal;
    const plan = journal.isOurs ? bootPlanOf : planOf;
    for (const model of models) {
      const { life } = this.#registry.add(model, plan(model, facts));
      if (facts.unloadedModels.has(model.name)) continue;
      for (const [version, { reason }] of facts.rolledBack.get(model.name) ?? []) {
        life.failures.set(version, rollbackWords(reason));
      }
    }
    for (const door of this.#doors) door.slot.start();
    for (const { life } of this.#registry.known) life.start();
    this.#management.start();
    this.#tick.plan();
    this.#scrape.plan();
    this.#noteStarted();
  }

  /** Still takes requests, but tells whoever asks that it will not for long. */
  announceDrain(): void {
    this.#management.stop();
    this.#setServer({ ...this.#server, draining: true });
  }

  /** Resolves when every process is gone; what is not finished by then is ended. */
  async stop(drainMs: number): Promise<void> {
    await this.#endAll(this.#doors, drainMs);
    await this.#endAll(this.#hosts, lastDrainMs);
    await this.#options.store.close();
  }

  /** Ends everything now. */
  abandon(): void {
    for (const { slot } of this.#members) slot.kill("stop");
  }

  async #endAll(members: readonly (DoorSlot | HostSlot)[], withinMs: number): Promise<void> {
    for (const { slot } of members) slot.apply({ type: "drain" });
    const disarm = this.#options.clock.after(withinMs, () => {
      for (const { slot } of members) slot.kill("stop");
    });
    await Promise.all(members.map(({ slot }) => slot.stopped));
    disarm();
  }

  #slotContext(): SlotContext {
    const { clock, random, log, hangMs, readRss, cores: concurrency } = this.#options;
    const loads = new PQueue({ concurrency });
    const restarts = new PQueue({ concurrency });
    const memoryKillsBefore = () => this.#memoryKills.before;
    const shared = {
      clock,
      random,
      log,
      hostLogs: this.#hostLogs,
      loads,
      restarts,
      hangMs,
      readRss,
    };
    return { ...shared, memoryKills, memoryKillsBefore };
  }

  #slotMaker(context: SlotContext): MakeHostSlot {
    const { forkHost, socketFolder, doorSettings } = this.#options;
    const { maxBodyBytes, wsMaxPayloadBytes, drainSequencesMs, log } = doorSettings;
    const maxFrameBytes = Math.max(maxBodyBytes, wsMaxPayloadBytes) + frameOverheadBytes;
    const shared = { fork: forkHost, socketFolder, maxFrameBytes, drainSequencesMs, log };
    return (plan, listener) => new HostSlot(context, { ...plan, ...shared }, listener);
  }

  #makeDoor(context: SlotContext, options: ConstructorParameters<typeof DoorSlot>[1]): DoorSlot {
    const door: DoorSlot = new DoorSlot(context, options, {
      onChange: () => undefined,
      onStart: () => this.#brief(door),
      onListening: (port) => this.#onListening(port),
      onListenFailed: (reason) => this.#options.listener.onListenFailed(reason),
      onMetrics: (reportId, metrics) => this.#scrape.note(door, reportId, metrics),
      onQuery: (_, queryId, question) => void this.#answer(door, queryId, question),
      onProgress: (uploadId, bytes) => this.#management.noteProgress(uploadId, bytes),
      onTraces: (traces) => this.#tracing.note(traces),
      onDropped: (uploadId, why) => void this.#management.dropUpload(uploadId, why),
      onSilent: (hostId) => this.#hostOf(hostId)?.doubt(),
      onViolation: (hostId, reason) => this.#onViolation(hostId, reason),
      onDown: (exit) => this.#onDoorDown(door, exit),
    } satisfies DoorListener);
    return door;
  }

  /** A front door that has just begun knows nothing. */
  #brief(door: DoorSlot): void {
    for (const model of this.#registry.views) door.slot.send({ type: "model", model });
    door.slot.send({ type: "server", server: this.#server });
    door.slot.send({ type: "events", events: this.#feed.recent });
    this.#tracing.brief(door.slot);
  }

  get #hosts(): readonly HostSlot[] {
    return [...this.#registry.hosts, ...this.#management.trials];
  }

  #onView(model: ModelView): void {
    this.#tellDoors({ type: "model", model });
    this.#noteStarted();
  }

  #onHostDown(host: HostSlot, hostId: string, exit: LastExit): void {
    this.#scrape.retire(host);
    this.#tellDoors({ type: "host-down", hostId, blame: exit.blame });
    if (host.slot.isWanted) this.#metrics.countRestart("host", host.model, exit.cause);
  }

  #onDoorDown(door: DoorSlot, exit: LastExit): void {
    this.#scrape.retire(door);
    void this.#management.forgetDoor(door);
    if (door.slot.isWanted) this.#metrics.countRestart("front-door", "", exit.cause);
  }

  #tellDoors(command: DoorCommand): void {
    for (const { slot } of this.#doors) slot.send(command);
  }

  #setServer(server: ServerView): void {
    this.#server = server;
    this.#tellDoors({ type: "server", server });
  }

  #noteStarted(): void {
    const { views } = this.#registry;
    const isLoading = (model: ModelView) => model.versions.some(({ state }) => state === "loading");
    if (this.#server.started || !this.#hasListened || views.some(isLoading)) return;
    this.#setServer({ ...this.#server, started: true });
    this.#options.listener.onStarted(views);
    this.#management.recallAll();
  }

  #onListening(port: number): void {
    if (this.#hasListened) return;
    this.#hasListened = true;
    this.#options.listener.onListening(port);
    this.#noteStarted();
  }

  #onGone(name: string): void {
    this.#tellDoors({ type: "model-gone", name });
    this.#tracing.forget(name);
  }

  #onViolation(hostId: string, reason: string): void {
    this.#options.log.error({ host: hostId, reason }, "host does not keep the protocol");
    this.#hostOf(hostId)?.slot.kill("protocol");
  }

  #hostOf(hostId: string): HostSlot | undefined {
    return this.#registry.hosts.find((host) => host.hostId === hostId);
  }

  async #answer(door: DoorSlot, queryId: number, question: Question): Promise<void> {
    const reply = await answerQuestion(door, question, {
      ...this.#options,
      startedAt: this.#startedAt,
      draining: this.#server.draining,
      readFigures: () => ownFigures(this.#tick.takeLateMs()),
      scrape: this.#scrape,
      hostLogs: this.#hostLogs,
      tracing: this.#tracing,
      registry: this.#registry,
      doors: this.#doors,
      members: this.#members,
      management: this.#management,
    });
    door.slot.send({ type: "reply", queryId, reply });
  }

  get #members(): readonly (DoorSlot | HostSlot)[] {
    return [...this.#doors, ...this.#hosts];
  }
}

/** Hosts have nothing left to do when the front doors are gone. */
const lastDrainMs = 500;
