// Owns the reading of whole model files for their digests: one at a time, and none twice.

import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import PQueue from "p-queue";
import { stampOf } from "../src/config/file-stamp.ts";
import type { Clock, Millis } from "../src/platform/clock.ts";

const chunkBytes = 1_048_576;
/** Of a megabyte a millisecond is read: what takes longer is not waited for where people wait. */
const patienceMs: Millis = 250;
const mostKnown = 10_000;

export class Digests {
  readonly #clock: Clock;
  readonly #queue = new PQueue({ concurrency: 1 });
  /** By what tells a file from others wherever it lies: one that was moved is not read again. */
  readonly #known = new Map<string, string>();
  /** By path. */
  readonly #awaited = new Map<string, Promise<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** SHA-256 in hexadecimal; a file that looks the same as before is not read again. */
  of(file: string): Promise<string> {
    return this.#find(file, changePriority);
  }

  /** Of what a file held when it looked like that; undefined where nobody has read it then. */
  recall(stamp: string): string | undefined {
    return this.#known.get(stamp);
  }

  /** Null where it is not known in a moment, or there is no such file; it is being read then. */
  soon(file: string): Promise<string | null> {
    const found = this.#awaited.get(file) ?? this.#begin(file);
    return new Promise((resolve) => {
      const disarm = this.#clock.after(patienceMs, () => resolve(null));
      void found
        .catch(() => null)
        .then((digest) => {
          disarm();
          resolve(digest);
        });
    });
  }

  /** Null where there is no such file; after all that others wait for. */
  inTime(file: string): Promise<string | null> {
    return (this.#awaited.get(file) ?? this.#begin(file)).catch(() => null);
  }

  #begin(file: string): Promise<string> {
    const found = this.#find(file, 0).finally(() => this.#awaited.delete(file));
    // Whoever asks hears of it.
    found.catch(() => undefined);
    this.#awaited.set(file, found);
    return found;
  }

  /** What is known does not wait behind a large file. */
  async #find(file: string, priority: number): Promise<string> {
    const known = this.#known.get(stampOf(await stat(file, { bigint: true })));
    return known ?? this.#queue.add(() => this.#read(file), { priority });
  }

  async #read(file: string): Promise<string> {
    const handle = await open(file, "r");
    try {
      const stamp = stampOf(await handle.stat({ bigint: true }));
      const known = this.#known.get(stamp);
      if (known !== undefined) return known;
      const digest = await digestOf(handle);
      // A file that was written to meanwhile has a digest of neither content.
      if (stampOf(await handle.stat({ bigint: true })) === stamp) this.#keep(stamp, digest);
      return digest;
    } finally {
      await handle.close();
    }
  }

  #keep(stamp: string, digest: string): void {
    this.#known.set(stamp, digest);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** A change waits for it, where a look at the models does not. */
const changePriority = 1;

async function digestOf(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const stream = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkBytes });
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}
