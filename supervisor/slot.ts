/*
 * The shell around one instance: it forks, watches and ends its process, and runs what the table in instance.ts says.
 * What the process is told and what its events mean belongs to its role.
 */
import PQueue from "p-queue";
import type { Clock, EpochMillis, Millis } from "../src/platform/clock.ts";
import type { Log } from "../src/platform/log.ts";
import type { RestartSettings } from "../src/protocol/model-settings.ts";
import type { ProcessFigures } from "../src/protocol/views.ts";
import type { Child, ForkChild } from "./child-process.ts";
import { judgeExit, type KillReason, type LastExit } from "./exit-cause.ts";
import type { HostLogs, LineLevel } from "./host-logs.ts";
import {
  type Instance,
  type InstanceEffect,
  type InstanceEvent,
  newInstance,
  transition,
} from "./instance.ts";
import { pauseWords } from "./pause-words.ts";
import type { ReadRss } from "./resident-memory.ts";
import { isHung } from "./watchdog.ts";

/** What every slot of the supervisor shares. */
export interface SlotContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly hostLogs: Pick<HostLogs, "note">;
  /** Lets as many load at a time as there are cores. */
  readonly loads: PQueue;
  /** The same for what was ready once: it never waits behind a slow first load. */
  readonly restarts: PQueue;
  readonly hangMs: number;
  readonly memoryKills: () => number;
  /** The same a moment ago. */
  readonly memoryKillsBefore: () => number;
  readonly readRss: ReadRss;
}

/** For front doors: they are few, and without one there is no server, so that they start at once, behind no host. */
export function withoutQueues(context: SlotContext): SlotContext {
  return { ...context, loads: new PQueue(), restarts: new PQueue() };
}

/** What a role makes of its process. */
export interface SlotRole<Command, Event> {
  readonly fields: Readonly<Record<string, string>>;
  /** Whoever asked for it is told how it fares, and it starts no more once it is given up. */
  readonly isThrowaway?: boolean;
  readonly policy: RestartSettings;
  readonly startMs: number;
  readonly fork: ForkChild<Command>;
  /** Undefined where it is no event: the process is then ended, as it does not keep the protocol. */
  parse(message: unknown): Event | undefined;
  obey(event: Event): void;
  drainCommand: Command;
  /** How long it says nothing while it rests. */
  readonly restMs: number;
  /** Whether a suspect was running, asked when the process has ended. */
  wasPoisoned(): boolean;
  onPhase(): void;
  /** The supervisor looks at the process, several times a second. */
  onWatch(): void;
  onExit(exit: LastExit): void;
  /** What its process has printed, or what became of it. */
  onLine(level: LineLevel, message: string): void;
}

const keptLines = 20;
/** The end of its process is no news then. */
const isOver: readonly Instance["phase"]["name"][] = ["draining", "given-up", "stopped"];

export class Slot<Command, Event> {
  readonly #context: SlotContext;
  readonly #role: SlotRole<Command, Event>;
  #instance: Instance;
  #phaseSince: EpochMillis;
  #child: Child<Command> | undefined;
  #killed: KillReason | null = null;
  #startedAt: Millis = 0;
  #beatAt: Millis | undefined;
  #isResting = false;
  #memoryKillsBefore = 0;
  #stderr: string[] = [];
  #disarm: (() => void)[] = [];
  #onStartSettled: (() => void) | undefined;
  #onStopped: (() => void) | undefined;
  #hasBeenReady = false;
  figures: ProcessFigures | undefined;
  lastExit: LastExit | undefined;
  restarts = 0;

  constructor(context: SlotContext, role: SlotRole<Command, Event>) {
    this.#context = context;
    this.#role = role;
    this.#instance = newInstance(context.clock.now());
    this.#phaseSince = context.clock.wall();
  }

  get phase(): Instance["phase"] {
    return this.#instance.phase;
  }

  /** Neither asked to end, nor without a model that it could serve. */
  get isWanted(): boolean {
    return this.phase.name === "starting" || this.phase.name === "ready";
  }

  get since(): EpochMillis {
    return this.#phaseSince;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** As the kernel counts it, or else as the process says; null where nobody knows. */
  get rssBytes(): number | null {
    if (this.pid === undefined) return null;
    return this.#context.readRss(this.pid) ?? this.figures?.rssBytes ?? null;
  }

  /** Resolves when the process has been drained and is gone for good. */
  readonly stopped = new Promise<void>((resolve) => {
    this.#onStopped = resolve;
  });

  /** Queues a start. */
  start(): void {
    const { loads, restarts } = this.#context;
    void (this.#hasBeenReady ? restarts : loads).add(() => this.#fork());
  }

  send(command: Command, handle?: Parameters<Child<Command>["send"]>[1]): void {
    this.#child?.send(command, handle);
  }

  kill(reason: KillReason): void {
    if (this.#child === undefined) return;
    this.#killed ??= reason;
    this.#child.kill();
  }

  noteBeat(figures: ProcessFigures, isResting: boolean): void {
    this.figures = figures;
    this.#isResting = isResting;
    this.#beatAt = this.#context.clock.now();
  }

  /** It has nothing to do, and nothing new to report. */
  get isResting(): boolean {
    return this.#isResting;
  }

  expectBeat(): void {
    this.#isResting = false;
    this.#beatAt = this.#context.clock.now();
  }

  forgive(): void {
    const now = this.#context.clock.now();
    if (this.#beatAt !== undefined) this.#beatAt = now;
    else this.#startedAt = now;
  }

  watch(now: Millis): void {
    if (this.#child === undefined || this.#killed !== null) return;
    const restMs = this.#isResting ? this.#role.restMs : 0;
    const watched = { beatAt: this.#beatAt, startedAt: this.#startedAt, restMs };
    if (isHung(watched, now, this.#context.hangMs)) this.kill("hang");
    else this.#role.onWatch();
  }

  /** Arms an end for a step of the start that takes too long. */
  limitStart(ms: number): () => void {
    const disarm = this.#context.clock.after(ms, () => this.#endSlowStart());
    this.#disarm.push(disarm);
    return disarm;
  }

  apply(event: InstanceEvent): void {
    const { clock, random } = this.#context;
    const before = this.#instance.phase.name;
    const circumstances = { now: clock.now(), policy: this.#role.policy, random };
    const { instance, effects } = transition(this.#instance, event, circumstances);
    this.#instance = instance;
    if (instance.phase.name !== before) {
      this.#onPhase();
      // Where whoever has heard of it wants it no more, nothing comes next.
      if (this.#instance === instance) this.#tellPause(effects);
    }
    for (const effect of effects) this.#carryOut(effect);
  }

  #onPhase(): void {
    this.#phaseSince = this.#context.clock.wall();
    const { name } = this.phase;
    if (name !== "starting") this.#onStartSettled?.();
    if (name === "ready") this.#onReady();
    if (name === "stopped") this.#onStopped?.();
    this.#role.onPhase();
  }

  #tellPause(effects: readonly InstanceEffect[]): void {
    const pause = pauseWords(this.phase, effects, this.lastExit?.cause ?? null);
    if (pause === undefined || this.#role.isThrowaway === true) return;
    const { message, reason, next } = pause;
    this.#context.log.warn({ ...this.#role.fields, reason, next }, message);
    this.#role.onLine("warn", `${message} (${reason}): ${next}`);
  }

  #onReady(): void {
    const { log, clock } = this.#context;
    const took_ms = Math.round(clock.now() - this.#startedAt);
    log.info({ ...this.#role.fields, ready_pid: this.pid, took_ms }, "process ready");
    this.#role.onLine("info", `process ready after ${took_ms} ms`);
    this.#hasBeenReady = true;
    this.#disarmAll();
  }

  #carryOut(effect: InstanceEffect): void {
    switch (effect.type) {
      case "start":
        this.restarts += 1;
        this.start();
        return;
      case "wake":
        this.#context.clock.after(effect.afterMs, () => this.apply({ type: "woken" }));
        return;
      case "drain":
        this.send(this.#role.drainCommand);
        return;
    }
  }

  /** Resolves when the start has ended one way or the other, so that the next may begin. */
  #fork(): Promise<void> {
    if (this.phase.name !== "queued") return Promise.resolve();
    const { clock, memoryKills } = this.#context;
    this.#killed = null;
    this.#beatAt = undefined;
    this.#isResting = false;
    this.#startedAt = clock.now();
    this.#stderr = [];
    this.#memoryKillsBefore = memoryKills();
    const settled = new Promise<void>((resolve) => {
      this.#onStartSettled = resolve;
    });
    this.#child = this.#role.fork({
      onMessage: (message) => this.#hear(message),
      onLine: (stream, line) => this.#print(stream, line),
      onExit: (code, signal) => this.#exited(code, signal),
    });
    this.limitStart(this.#role.startMs);
    this.apply({ type: "forked" });
    return settled;
  }

  #endSlowStart(): void {
    if (this.phase.name === "starting") this.kill("load-timeout");
  }

  #hear(message: unknown): void {
    const event = this.#role.parse(message);
    if (event === undefined) this.kill("protocol");
    else if (this.#killed !== "protocol") this.#role.obey(event);
  }

  #print(stream: "stdout" | "stderr", line: string): void {
    if (stream === "stderr") this.#stderr = [...this.#stderr, line].slice(-keptLines);
    this.#context.log.info({ ...this.#role.fields, host_pid: this.pid, stream, line }, "output");
    this.#role.onLine("info", line);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const { clock, memoryKills, memoryKillsBefore, log } = this.#context;
    const memoryKill = memoryKills() > Math.max(this.#memoryKillsBefore, memoryKillsBefore());
    const verdict = judgeExit({ code, signal, killed: this.#killed, memoryKill });
    const pid = this.pid ?? null;
    const isExpected = isOver.includes(this.phase.name);
    const ended = { ...verdict, pid, isExpected, at: clock.wall(), code, signal };
    this.lastExit = { ...ended, stderr: this.#stderr };
    this.#child = undefined;
    this.figures = undefined;
    this.#disarmAll();
    const fields = { ...this.#role.fields, exited_pid: pid, cause: verdict.cause, code, signal };
    if (!isExpected) log.warn(fields, "process ended");
    this.#role.onLine(isExpected ? "info" : "warn", `process ended (${verdict.cause})`);
    this.#role.onExit(this.lastExit);
    this.apply({ type: "exited", cause: verdict.cause, byPoison: this.#role.wasPoisoned() });
  }

  #disarmAll(): void {
    for (const disarm of this.#disarm) disarm();
    this.#disarm = [];
  }
}
