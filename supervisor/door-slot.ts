/* One front door: what its process is told, and what its events mean. */
import type { DoorCommand, DoorEvent, DoorSettings } from "../src/protocol/control.ts";
import { parseDoorEvent } from "../src/protocol/event-parsing.ts";
import type { RestartSettings } from "../src/protocol/model-settings.ts";
import type { Question } from "../src/protocol/questions.ts";
import type { Trace } from "../src/protocol/traces.ts";
import type { MetricSnapshot } from "../src/protocol/views.ts";
import type { ForkChild, SendHandle } from "./child-process.ts";
import type { LastExit } from "./exit-cause.ts";
import { Slot, type SlotContext } from "./slot.ts";
import type { DropReason } from "./upload-news.ts";

export interface DoorSlotOptions {
  readonly index: number;
  readonly settings: DoorSettings;
  readonly fork: ForkChild<DoorCommand>;
  readonly handle: SendHandle;
  /** Undefined where gRPC is off. */
  readonly grpcHandle: SendHandle;
}

export interface DoorListener {
  onChange(): void;
  /** It has its settings, and needs to know all models. */
  onStart(door: DoorSlot): void;
  onListening(port: number): void;
  onListenFailed(reason: string): void;
  onMetrics(reportId: number, metrics: readonly MetricSnapshot[]): void;
  onQuery(door: DoorSlot, queryId: number, question: Question): void;
  onProgress(uploadId: string, bytes: number): void;
  onTraces(traces: readonly Trace[]): void;
  onDropped(uploadId: string, why: DropReason): void;
  onSilent(hostId: string): void;
  onViolation(hostId: string, reason: string): void;
  onDown(exit: LastExit): void;
}

/** Without a front door there is no server, so it is never given up for long. */
const doorPolicy: RestartSettings = {
  intensity: 1_000,
  periodMs: 60_000,
  minBackoffMs: 50,
  maxBackoffMs: 2_000,
};
const doorStartMs = 20_000;

export class DoorSlot {
  readonly #listener: DoorListener;
  readonly #options: DoorSlotOptions;
  readonly slot: Slot<DoorCommand, DoorEvent>;

  constructor(context: SlotContext, options: DoorSlotOptions, listener: DoorListener) {
    this.#options = options;
    this.#listener = listener;
    this.slot = new Slot<DoorCommand, DoorEvent>(context, {
      fields: { process: "front-door" },
      policy: doorPolicy,
      startMs: doorStartMs,
      fork: options.fork,
      parse: parseDoorEvent,
      obey: (event) => this.#obey(event),
      drainCommand: { type: "drain" },
      restMs: 0,
      wasPoisoned: () => false,
      onWatch: () => undefined,
      onPhase: () => listener.onChange(),
      onExit: (exit) => listener.onDown(exit),
      onLine: () => undefined,
    });
  }

  get index(): number {
    return this.#options.index;
  }

  /** One message carries one handle. */
  #start(): void {
    const { settings, handle, grpcHandle } = this.#options;
    if (grpcHandle !== undefined) this.slot.send({ type: "grpc-port" }, grpcHandle);
    this.slot.send({ type: "start", settings }, handle);
    this.#listener.onStart(this);
  }

  #obey(event: DoorEvent): void {
    switch (event.type) {
      case "booted":
        this.#start();
        return;
      case "listening":
        this.slot.apply({ type: "ready" });
        this.#listener.onListening(event.port);
        return;
      case "listen-failed":
        this.#listener.onListenFailed(event.reason);
        return;
      case "beat":
        this.slot.noteBeat(event.figures, event.isResting);
        return;
      case "metrics":
        this.#listener.onMetrics(event.reportId, event.metrics);
        return;
      case "query":
        this.#listener.onQuery(this, event.queryId, event.question);
        return;
      case "upload-progress":
        this.#listener.onProgress(event.uploadId, event.bytes);
        return;
      case "upload-dropped":
        this.#listener.onDropped(event.uploadId, { code: event.code, message: event.reason });
        return;
      case "traces":
        this.#listener.onTraces(event.traces);
        return;
      case "silent":
        this.#listener.onSilent(event.hostId);
        return;
      case "violation":
        this.#listener.onViolation(event.hostId, event.reason);
        return;
      case "drained":
        return;
    }
  }
}
