import assert from "node:assert/strict";
import PQueue from "p-queue";
import type { Clock } from "../../src/platform/clock.ts";
import { createLog } from "../../src/platform/log.ts";
import type {
  Child,
  ChildListeners,
  ForkChild,
  SendHandle,
} from "../../supervisor/child-process.ts";
import type { SlotContext } from "../../supervisor/slot.ts";

/** A process that does what the test says. */
export class FakeChild<Command> implements Child<Command> {
  readonly pid: number;
  readonly sent: Command[] = [];
  readonly handles: SendHandle[] = [];
  kills = 0;
  readonly #listeners: ChildListeners;
  #isGone = false;

  constructor(pid: number, listeners: ChildListeners) {
    this.pid = pid;
    this.#listeners = listeners;
  }

  send(command: Command, handle?: SendHandle): void {
    this.sent.push(command);
    if (handle !== undefined) this.handles.push(handle);
  }

  kill(): void {
    this.kills += 1;
  }

  /** Throws where it has ended: the slot would take it for what its next process says. */
  says(message: unknown): void {
    assert.ok(!this.#isGone, `process ${this.pid} has ended`);
    this.#listeners.onMessage(message);
  }

  prints(stream: "stdout" | "stderr", line: string): void {
    this.#listeners.onLine(stream, line);
  }

  exits(code: number | null, signal: NodeJS.Signals | null = null): void {
    this.#isGone = true;
    this.#listeners.onExit(code, signal);
  }
}

export class FakeForks<Command> {
  readonly children: FakeChild<Command>[] = [];

  /** Of each child, whether an engine's thread is to start with it. */
  readonly threads: boolean[] = [];

  readonly fork: ForkChild<Command> = (listeners, withThread = false) => {
    this.threads.push(withThread);
    const child = new FakeChild<Command>(this.children.length + 1, listeners);
    this.children.push(child);
    return child;
  };

  /** The one that was forked last. */
  get child(): FakeChild<Command> {
    const child = this.children.at(-1);
    if (child === undefined) throw new Error("nothing was forked");
    return child;
  }
}

export const quietLog = createLog({ level: "silent", pretty: false, fd: 1, base: {} });

/** Nothing waits for its turn, and every backoff takes its full time. */
export function slotContext(clock: Clock): SlotContext {
  return {
    clock,
    random: () => 1,
    log: quietLog,
    loads: new PQueue(),
    restarts: new PQueue(),
    hangMs: 5_000,
    memoryKills: () => 0,
    memoryKillsBefore: () => 0,
    readRss: () => undefined,
    hostLogs: { note: () => undefined },
  };
}
