import { between, type Random } from "../../models/random.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import type { DoorFrame, RequestFrame } from "../../src/protocol/frames.ts";
import { writePressure } from "../../src/protocol/host-frames.ts";
import { type FakeHost, pressure } from "./fake-host.ts";

/**
 * Answers with its version, and with how many frames of a sequence it has run. When it is drained it gives back some of
 * what it has not begun.
 */
export class RollingHost {
  readonly host: FakeHost;
  readonly version: string;
  isDraining = false;
  readonly #random: Random;
  readonly #sequences = new Map<string, number>();
  #waiting: RequestFrame[] = [];
  #heard = 0;

  constructor(host: FakeHost, version: string, random: Random) {
    this.host = host;
    this.version = version;
    this.#random = random;
  }

  get isDrained(): boolean {
    return this.isDraining && this.#waiting.length === 0 && this.#sequences.size === 0;
  }

  hear(): void {
    const news = this.host.frames.slice(this.#heard);
    this.#heard += news.length;
    for (const frame of news) this.#obey(frame);
  }

  answer(): void {
    const [first] = this.#waiting.splice(0, 1);
    if (first === undefined) return;
    const { id, sequence } = first;
    const count = (this.#sequences.get(sequence?.key ?? "") ?? 0) + 1;
    if (sequence !== null) this.#sequences.set(sequence.key, count);
    this.host.done(id, sequence === null ? this.version : `${this.version} ${count}`, this.#load);
  }

  drain(): void {
    this.isDraining = true;
    this.host.say((writer) => writePressure(writer, this.#load));
    const begun = Math.floor(between(this.#random, 0, this.#waiting.length + 1));
    for (const frame of this.#waiting.slice(begun)) {
      if (mayGoBack(frame)) this.#giveBack(frame);
    }
  }

  /** Its patience is at an end: those are dropped of which something has run. */
  dropAll(): void {
    for (const [key, count] of this.#sequences) {
      if (count === 0) continue;
      this.host.ended(key, "draining");
      this.#drop(key);
    }
  }

  get #load() {
    return pressure({ draining: this.isDraining });
  }

  #obey(frame: DoorFrame): void {
    if (frame.type === "end") this.#sequences.delete(frame.key);
    if (frame.type !== "request") return;
    const { id, sequence } = frame;
    if (this.isDraining && mayGoBack(frame)) this.#fail(id, "draining");
    else if (sequence?.start === false && !this.#sequences.has(sequence.key))
      this.#fail(id, "sequence-lost");
    else {
      if (sequence?.start) this.#sequences.set(sequence.key, 0);
      this.#waiting.push(frame);
    }
  }

  #giveBack({ id, sequence }: RequestFrame): void {
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
    this.#fail(id, "draining");
    if (sequence !== null) this.#drop(sequence.key);
  }

  #drop(key: string): void {
    this.#sequences.delete(key);
    const lost = this.#waiting.filter(({ sequence }) => sequence?.key === key);
    this.#waiting = this.#waiting.filter((one) => !lost.includes(one));
    for (const { id } of lost) this.#fail(id, "sequence-lost");
  }

  #fail(id: number, code: ErrorCode): void {
    this.host.failed(id, { code, message: "" }, this.#load);
  }
}

function mayGoBack({ sequence }: RequestFrame): boolean {
  return sequence === null || sequence.start;
}
