/*
 * The supervisor's shell: it owns the slots and tells the front doors what runs. It carries no request.
 * Each slot's life is its own; what a model should be is the registry's.
 */
import PQueue from "p-queue";
import type { ModelFolder } from "../src/config/model-folder.ts";
import type { Clock, EpochMillis, Millis } from "../src/platform/clock.ts";
import { figuresReader } from "../src/platform/figures.ts";
import type { Log } from "../src/platform/log.ts";
import type { DoorCommand, DoorSettings, HostCommand } from "../src/protocol/control.ts";
import type { MetricSnapshot, ModelView, ServerView } from "../src/protocol/views.ts";
import type { ForkChild, SendHandle } from "./child-process.ts";
import { type DoorListener, DoorSlot } from "./door-slot.ts";
import { HostSlot } from "./host-slot.ts";
import { MemoryKillHistory, memoryKills } from "./memory-kills.ts";
import { MetricsLedger } from "./metrics-ledger.ts";
import { ModelRegistry, type RegistryListener } from "./model-registry.ts";
import { Reports, reportMsFor, unawaited } from "./reports.ts";
import type { LastExit, SlotContext } from "./slot.ts";
import { createSupervisorMetrics } from "./supervisor-metrics.ts";
import { describeTree } from "./tree.ts";
import { judgeTick, tickMs } from "./watchdog.ts";

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly hangMs: number;
  /** As many children start at a time. */
  readonly cores: number;
  readonly frontDoors: number;
  readonly doorSettings: DoorSettings;
  readonly handle: SendHandle;
  readonly socketFolder: string;
  readonly models: readonly ModelFolder[];
  readonly forkDoor: ForkChild<DoorCommand>;
  readonly forkHost: ForkChild<HostCommand>;
  readonly listener: SupervisorListener;
}

export interface SupervisorListener {
  onListening(port: number): void;
  /** Every model is ready, or cannot be. */
  onStarted(models: readonly ModelView[]): void;
  onListenFailed(reason: string): void;
}

/** Beside a body, a frame holds ids and a few numbers. */
const frameOverheadBytes = 1_024;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #registry: ModelRegistry;
  readonly #doors: readonly DoorSlot[];
  readonly #ledger = new MetricsLedger();
  readonly #reports: Reports;
  readonly #metrics = createSupervisorMetrics(() => ({
    models: this.#registry.models,
    doors: this.#doors,
  }));
  readonly #memoryKills = new MemoryKillHistory(memoryKills);
  readonly #readFigures = figuresReader();
  readonly #startedAt: EpochMillis;
  #server: ServerView = { draining: false, started: false };
  #lastTickAt: Millis;
  #hasListened = false;

  constructor(options: SupervisorOptions) {
    const { clock } = options;
    this.#options = options;
    this.#startedAt = clock.wall();
    this.#lastTickAt = clock.now();
    this.#reports = new Reports(clock);
    const context = this.#slotContext();
    this.#registry = new ModelRegistry(clock, (plan, listener) => {
      const { forkHost, socketFolder, doorSettings } = options;
      const { maxBodyBytes, wsMaxPayloadBytes, drainSequencesMs, log } = doorSettings;
      const maxFrameBytes = Math.max(maxBodyBytes, wsMaxPayloadBytes) + frameOverheadBytes;
      const shared = { fork: forkHost, socketFolder, maxFrameBytes, drainSequencesMs, log };
      return new HostSlot(context, { ...plan, ...shared }, listener);
    });
    const doorContext = withoutQueues(context);
    this.#doors = Array.from({ length: options.frontDoors }, (_, index) => {
      const { doorSettings: settings, handle, forkDoor: fork } = options;
      return this.#makeDoor(doorContext, { index, settings, handle, fork });
    });
  }

  start(): void {
    const { models } = this.#options;
    for (const model of models) this.#registry.add(model, this.#registryListener());
    for (const door of this.#doors) door.slot.start();
    for (const host of this.#registry.hosts) host.slot.start();
    this.#planTick();
    this.#planReports();
    this.#noteStarted();
  }

  /** Still takes requests, but tells whoever asks that it will not for long. */
  announceDrain(): void {
    this.#setServer({ ...this.#server, draining: true });
  }

  /** Resolves when every process is gone; what is not finished by then is ended. */
  async stop(drainMs: number): Promise<void> {
    await this.#endAll(this.#doors, drainMs);
    await this.#endAll(this.#registry.hosts, hostDrainMs);
  }

  /** Ends everything now. */
  abandon(): void {
    for (const { slot } of [...this.#doors, ...this.#registry.hosts]) slot.kill("stop");
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
    const { clock, random, log, hangMs, cores: concurrency } = this.#options;
    const loads = new PQueue({ concurrency });
    const restarts = new PQueue({ concurrency });
    const memoryKillsBefore = () => this.#memoryKills.before;
    return { clock, random, log, loads, restarts, hangMs, memoryKills, memoryKillsBefore };
  }

  #makeDoor(context: SlotContext, options: ConstructorParameters<typeof DoorSlot>[1]): DoorSlot {
    const door: DoorSlot = new DoorSlot(context, options, {
      onChange: () => undefined,
      onStart: () => this.#brief(door),
      onListening: (port) => this.#onListening(port),
      onListenFailed: (reason) => this.#options.listener.onListenFailed(reason),
      onMetrics: (reportId, metrics) => this.#onMetrics(door, reportId, metrics),
      onQuery: (_, queryId, what) => void this.#answer(door, queryId, what),
      onViolation: (hostId, reason) => this.#onViolation(hostId, reason),
      onDown: (exit) => this.#onDoorDown(door, exit),
    } satisfies DoorListener);
    return door;
  }

  /** A front door that has just begun knows nothing. */
  #brief(door: DoorSlot): void {
    for (const model of this.#registry.views) door.slot.send({ type: "model", model });
    door.slot.send({ type: "server", server: this.#server });
  }

  #registryListener(): RegistryListener {
    return {
      onModel: (model) => {
        this.#tellDoors({ type: "model", model });
        this.#noteStarted();
      },
      onMetrics: (host, reportId, metrics) => this.#onMetrics(host, reportId, metrics),
      onDown: (host, hostId, exit) => {
        this.#ledger.retire(host);
        this.#tellDoors({ type: "host-down", hostId, blame: exit.blame });
        if (wasServing(host)) this.#metrics.countRestart("host", host.model, exit.cause);
      },
    };
  }

  #onDoorDown(door: DoorSlot, exit: LastExit): void {
    this.#ledger.retire(door);
    if (wasServing(door)) this.#metrics.countRestart("front-door", "", exit.cause);
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
  }

  #onListening(port: number): void {
    if (this.#hasListened) return;
    this.#hasListened = true;
    this.#options.listener.onListening(port);
    this.#noteStarted();
  }

  #onMetrics(child: object, reportId: number, metrics: readonly MetricSnapshot[]): void {
    this.#ledger.note(child, metrics);
    this.#reports.note(child, reportId);
  }

  #onViolation(hostId: string, reason: string): void {
    this.#options.log.error({ host: hostId, reason }, "host does not keep the protocol");
    this.#registry.hosts.find((host) => host.hostId === hostId)?.slot.kill("protocol");
  }

  async #answer(door: DoorSlot, queryId: number, what: "tree" | "metrics"): Promise<void> {
    const body = what === "tree" ? this.#describeTree() : await this.#mergedMetrics();
    door.slot.send({ type: "reply", queryId, body });
  }

  #describeTree(): string {
    return JSON.stringify(
      describeTree({
        version: this.#options.doorSettings.version,
        startedAt: this.#startedAt,
        draining: this.#server.draining,
        figures: this.#readFigures(),
        doors: this.#doors,
        models: this.#registry.models,
      }),
    );
  }

  async #mergedMetrics(): Promise<string> {
    await this.#reports.gather(this.#readyMembers, (member, reportId) => {
      (member as DoorSlot | HostSlot).slot.send({ type: "report", reportId });
    });
    return this.#ledger.merged(this.#metrics.registry);
  }

  get #readyMembers(): readonly (DoorSlot | HostSlot)[] {
    return [...this.#doors, ...this.#registry.hosts].filter(
      ({ slot }) => slot.phase.name === "ready",
    );
  }

  #planReports(): void {
    const delayMs = reportMsFor(this.#doors.length + this.#registry.hosts.length);
    this.#options.clock.after(delayMs, () => {
      for (const { slot } of this.#readyMembers) slot.send({ type: "report", reportId: unawaited });
      this.#planReports();
    });
  }

  #planTick(): void {
    this.#options.clock.after(tickMs, () => {
      this.#tick();
      this.#planTick();
    });
  }

  #tick(): void {
    this.#memoryKills.tick();
    const now = this.#options.clock.now();
    const tick = judgeTick(this.#lastTickAt, now);
    this.#lastTickAt = now;
    for (const { slot } of [...this.#doors, ...this.#registry.hosts]) {
      if (tick.type === "forgive") slot.forgive();
      else slot.watch(now);
    }
  }
}

/** Front doors are few, and without one there is no server: they start at once, behind no host. */
function withoutQueues(context: SlotContext): SlotContext {
  return { ...context, loads: new PQueue(), restarts: new PQueue() };
}

/** Neither asked to end, nor without a model that it could serve. */
function wasServing({ slot }: DoorSlot | HostSlot): boolean {
  return slot.phase.name === "starting" || slot.phase.name === "ready";
}

/** Hosts have nothing left to do when the front doors are gone. */
const hostDrainMs = 500;
