import { between, type Random } from "../../models/random.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import type { DoorFrame, RequestFrame } from "../../src/protocol/frames.ts";
import { writePressure, writeRunning } from "../../src/protocol/host-frames.ts";
import type { EndReason } from "../../src/protocol/sequences.ts";
import { type FakeHost, pressure } from "./fake-host.ts";

/** The numbers of the frames that have run. */
type Memory = string[];

interface Waiting {
  readonly id: number;
  readonly key: string;
  readonly number: string;
  readonly memory: Memory;
}

/**
 * Keeps sequences as a model host does: what it answers are the numbers of all frames that made the state. Their numbers
 * are their request ids. It hears and answers when the test says so.
 */
export class CountingHost {
  readonly host: FakeHost;
  readonly sequences = new Map<string, Memory>();
  isDraining = false;
  readonly #random: Random;
  #waiting: Waiting[] = [];
  #heard = 0;

  constructor(host: FakeHost, random: Random) {
    this.host = host;
    this.#random = random;
  }

  /** What has come since the last time. */
  hear(): void {
    const news = this.host.frames.slice(this.#heard);
    this.#heard += news.length;
    for (const frame of news) this.#obey(frame);
  }

  /** Runs one of those that are first of their sequence. */
  answer(): void {
    const firsts = this.#firsts();
    const chosen = firsts[Math.floor(between(this.#random, 0, firsts.length))];
    if (chosen === undefined) return;
    this.#waiting = this.#waiting.filter((one) => one !== chosen);
    chosen.memory.push(chosen.number);
    this.host.done(chosen.id, chosen.memory.join(), this.#pressure);
  }

  sayRunning(): void {
    const ids = this.#firsts().map(({ id }) => id);
    if (ids.length > 0) this.host.say((writer) => writeRunning(writer, ids));
  }

  /** Forgets a sequence of which nothing is waiting. */
  dropIdle(): void {
    const isIdle = (key: string) => !this.#waiting.some((one) => one.key === key);
    const key = [...this.sequences.keys()].find(isIdle);
    if (key !== undefined) this.#drop(key, "idle");
  }

  drain(): void {
    this.isDraining = true;
    this.host.say((writer) => writePressure(writer, this.#pressure));
  }

  dropAll(): void {
    for (const key of this.sequences.keys()) this.#drop(key, "draining");
  }

  get #pressure() {
    return pressure({ draining: this.isDraining, sequences: this.sequences.size });
  }

  #firsts(): readonly Waiting[] {
    const keys = new Set<string>();
    return this.#waiting.filter(({ key }) => !keys.has(key) && keys.add(key));
  }

  #obey(frame: DoorFrame): void {
    if (frame.type === "request") this.#take(frame);
    else if (frame.type === "end") this.sequences.delete(frame.key);
    else if (frame.type === "cancel") this.#cancel(frame.id);
  }

  #take({ id, requestId: number, sequence }: RequestFrame): void {
    if (sequence === null) return;
    const { key, start } = sequence;
    const mayBegin = start && !this.isDraining;
    if (mayBegin) this.sequences.set(key, []);
    const memory = start && !mayBegin ? undefined : this.sequences.get(key);
    if (memory === undefined) this.#fail(id, start ? "draining" : "sequence-lost");
    else if (this.#random() < 0.05) this.#fail(id, "invalid-request");
    else this.#waiting.push({ id, key, number, memory });
  }

  #cancel(id: number): void {
    const cancelled = this.#waiting.find((one) => one.id === id);
    if (cancelled === undefined) return;
    this.#waiting = this.#waiting.filter((one) => one !== cancelled);
    this.#fail(id, "cancelled");
    this.#drop(cancelled.key, "cancelled");
  }

  #drop(key: string, reason: EndReason): void {
    if (this.sequences.delete(key)) this.host.ended(key, reason);
    const lost = this.#waiting.filter((one) => one.key === key);
    this.#waiting = this.#waiting.filter((one) => one.key !== key);
    for (const { id } of lost) this.#fail(id, "sequence-lost");
  }

  #fail(id: number, code: ErrorCode): void {
    this.host.failed(id, { code, message: "" }, this.#pressure);
  }
}
