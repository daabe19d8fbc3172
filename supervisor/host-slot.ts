/* One replica of a model version: what its process is told, and what its events mean. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Millis } from "../src/platform/clock.ts";
import type {
  HostCommand,
  HostEvent,
  HostSpec,
  HostStep,
  LogSettings,
  NamedFile,
} from "../src/protocol/control.ts";
import { parseHostEvent } from "../src/protocol/event-parsing.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { EnginePlace, HostLoad, HostView, MetricSnapshot } from "../src/protocol/views.ts";
import type { Child, ChildListeners, ForkChild } from "./child-process.ts";
import type { LastExit } from "./exit-cause.ts";
import { HostFindings } from "./host-findings.ts";
import type { LineLevel } from "./host-logs.ts";
import { hostSpecOf } from "./host-spec.ts";
import type { PoisonList } from "./poison-list.ts";
import { giveWay } from "./priority.ts";
import { Slot, type SlotContext } from "./slot.ts";
import { hangMsOf, restMsFor } from "./watchdog.ts";

export interface HostSlotOptions {
  readonly model: string;
  readonly version: string;
  readonly file: string;
  readonly beside: readonly NamedFile[];
  readonly config: ModelConfig;
  readonly replica: number;
  /** Unique among all slots: it names the sockets, whose paths must stay short. */
  readonly ordinal: number;
  readonly fork: ForkChild<HostCommand>;
  readonly socketFolder: string;
  readonly maxFrameBytes: number;
  readonly drainSequencesMs: number;
  readonly log: LogSettings;
  readonly poison: PoisonList;
  /** Of the host whose place it takes, to begin with. */
  readonly findings?: HostFindings;
  /** A throwaway host gives way to those that serve. */
  readonly isThrowaway?: boolean;
}

export interface HostListener {
  /** Its phase has changed. */
  onChange(): void;
  onStep(step: HostStep): void;
  onBeat(): void;
  /** The supervisor looks at its process; the first time before anybody hears that it is ready. */
  onWatch(): void;
  onMetrics(reportId: number, metrics: readonly MetricSnapshot[]): void;
  onPoison(fingerprint: string): void;
  onDown(hostId: string, exit: LastExit): void;
}

/** A trial gets its own, shorter limit: past it the host starts again without one. */
const maxTrialMs = 10_000;

/** Only a host that starts has them to say. */
const startTypes = new Set<string>(["booted", "loaded", "tried", "step", "ready", "refused"]);

type LifeEvent = Exclude<HostEvent, { type: "logged" | "slow" | "tried" | "engine" }>;

export class HostSlot {
  readonly #options: HostSlotOptions;
  readonly #listener: HostListener;
  readonly slot: Slot<HostCommand, HostEvent>;
  #generation = 0;
  /** What this process has said of its start, each at most once: who repeats it does not keep the protocol. */
  #said = new Set<string>();
  #disarmTrial: () => void = () => undefined;
  #inTrial = false;
  readonly findings: HostFindings;
  /** A suspect that is running alone, or whose run did not end. */
  #suspect: string | undefined;
  #ranPoison = false;
  metadata: ModelMetadata | undefined;
  load: HostLoad | undefined;
  engine: EnginePlace | undefined;
  hasBeenReady = false;
  readyMs = 0;
  #beganAt = 0;

  constructor(context: SlotContext, options: HostSlotOptions, listener: HostListener) {
    this.#options = options;
    this.#listener = listener;
    this.findings = new HostFindings(options.findings);
    const { model, version, isThrowaway = false } = options;
    const hangMs = hangMsOf(isThrowaway, context.hangMs);
    this.slot = new Slot<HostCommand, HostEvent>(
      { ...context, hangMs },
      {
        fields: { process: isThrowaway ? "trial host" : "host", model, version },
        isThrowaway,
        policy: options.config.restart,
        startMs: options.config.timeouts.loadMs,
        fork: (listeners) => this.#fork(listeners),
        parse: parseHostEvent,
        obey: (event) => {
          if (this.#isInOrder(event)) this.#obey(event, context);
        },
        drainCommand: { type: "drain" },
        restMs: restMsFor(context.hangMs),
        wasPoisoned: () => this.#ranPoison,
        onPhase: () => this.#listener.onChange(),
        onWatch: () => this.#listener.onWatch(),
        onExit: (exit) => this.#onExit(exit),
        onLine: (level, message) => this.#noteLine(context, level, message),
      },
    );
  }

  get model(): string {
    return this.#options.model;
  }

  /** Somebody waits for it: where it rests, its silence counts from now on, unless it answers. */
  doubt(): void {
    if (!this.slot.isResting) return;
    this.slot.expectBeat();
    this.slot.send({ type: "beat" });
  }

  /** Another for each incarnation, so that nobody takes a new process for the dead one. */
  get hostId(): string {
    const { model, version, replica, ordinal } = this.#options;
    return `${model}/${version}#${replica}.${ordinal}-${this.#generation}`;
  }

  get version(): string {
    return this.#options.version;
  }

  /** The model's. */
  get file(): string {
    return this.#options.file;
  }

  /** The session is there, and the batch trial goes on, or has just ended the host. */
  get isInTrial(): boolean {
    return this.#inTrial || this.findings.skipsTrial;
  }

  get replica(): number {
    return this.#options.replica;
  }

  get view(): HostView {
    return { hostId: this.hostId, socketPath: this.#socketPath };
  }

  get #socketPath(): string {
    const { socketFolder, ordinal } = this.#options;
    return join(socketFolder, `${ordinal}-${this.#generation}.sock`);
  }

  #fork(listeners: ChildListeners): Child<HostCommand> {
    this.#generation += 1;
    this.#said = new Set();
    this.#ranPoison = false;
    const child = this.#options.fork(listeners, this.findings.needsThread);
    if (this.#options.isThrowaway === true) giveWay(child.pid);
    return child;
  }

  /** Each step of a start goes to the feed, where a host that makes them up would drown all others. */
  #isInOrder(event: HostEvent): boolean {
    if (!startTypes.has(event.type)) return true;
    const { name } = this.slot.phase;
    // It said so before it heard that it should end.
    if (name === "draining") return false;
    const what = event.type === "step" ? event.step : event.type;
    const isInOrder = name === "starting" && !this.#said.has(what);
    this.#said.add(what);
    if (!isInOrder) this.slot.kill("protocol");
    return isInOrder;
  }

  #obey(event: HostEvent, context: SlotContext): void {
    if (event.type === "logged") this.#noteLine(context, event.level, event.message);
    else if (event.type === "slow") this.findings.noteSlow(event.reason);
    else if (event.type === "tried") this.findings.noteTried(event.result);
    else if (event.type === "engine") this.#noteEngine(event);
    else this.#obeyLife(event, context);
  }

  #noteEngine({ thread, reason }: EnginePlace): void {
    this.engine = { thread, reason };
    this.findings.noteEngine(thread);
  }

  #obeyLife(event: LifeEvent, context: SlotContext): void {
    switch (event.type) {
      case "booted":
        this.#beganAt = context.clock.now();
        this.slot.send({ type: "load", spec: this.#spec });
        return;
      case "loaded":
        this.#inTrial = true;
        this.#disarmTrial = this.slot.limitStart(maxTrialMs);
        return;
      case "step":
        this.#endTrial();
        this.#listener.onStep(event.step);
        return;
      case "ready":
        this.#endTrial();
        this.#becomeReady(event.metadata, context.clock.now());
        return;
      case "refused":
        this.slot.apply({ type: "refused", reason: event.reason });
        return;
      case "answered":
        this.slot.apply({ type: "answered" });
        return;
      case "beat":
        this.#noteBeat(event);
        return;
      case "metrics":
        this.#listener.onMetrics(event.reportId, event.metrics);
        return;
      case "suspect":
        this.#suspect = event.fingerprint;
        return;
      case "cleared":
        this.#suspect = undefined;
        return;
      case "overrun":
        this.#onOverrun(event.fingerprint);
        return;
      case "drained":
        return;
    }
  }

  get #spec(): HostSpec {
    const [hostId, socketPath] = [this.hostId, this.#socketPath];
    return hostSpecOf(this.#options, { hostId, socketPath, ...this.findings.told });
  }

  #noteLine({ hostLogs, clock }: SlotContext, level: LineLevel, message: string): void {
    const { model, version } = this.#options;
    const time = new Date(clock.wall()).toISOString();
    hostLogs.note(model, { time, level, version, pid: this.slot.pid ?? null, message });
  }

  #endTrial(): void {
    this.#inTrial = false;
    this.#disarmTrial();
  }

  #becomeReady(metadata: ModelMetadata, now: Millis): void {
    this.metadata = metadata;
    this.hasBeenReady = true;
    this.readyMs = now - this.#beganAt;
    this.slot.apply({ type: "ready" });
    // At once: what it takes after this may be what it was asked for.
    this.#listener.onWatch();
  }

  #noteBeat({ load, figures, isResting }: Extract<HostEvent, { type: "beat" }>): void {
    this.load = load;
    this.slot.noteBeat(figures, isResting);
    this.#listener.onBeat();
  }

  /** The host cannot end the run; killing it is the only way. */
  #onOverrun(fingerprint: string | null): void {
    this.#ranPoison = true;
    // Without a fingerprint the run was ended for its callers' impatience, which convicts nobody.
    if (fingerprint === null) this.#suspect = undefined;
    else if (this.#suspect === undefined) this.#strike(fingerprint);
    this.slot.kill("overrun");
  }

  #strike(fingerprint: string): void {
    if (this.#options.poison.strike(fingerprint)) this.#listener.onPoison(fingerprint);
  }

  #onExit(exit: LastExit): void {
    const [inTrial, wasReady] = [this.#inTrial, this.#said.has("ready")];
    this.findings.noteEnd(exit, { inTrial, wasReady });
    this.#inTrial = false;
    if (this.#suspect !== undefined && exit.blame === "model") {
      this.#ranPoison = true;
      if (this.#options.poison.convict(this.#suspect)) this.#listener.onPoison(this.#suspect);
    }
    this.#suspect = undefined;
    this.load = undefined;
    this.engine = undefined;
    rmSync(this.#socketPath, { force: true });
    this.#listener.onDown(this.hostId, exit);
  }
}
