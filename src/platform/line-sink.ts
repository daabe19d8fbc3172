// Owns the lines that are on their way to a file descriptor. A reader that is gone is given up: pino's own destination
// tries such a pipe again and again, and blocks its process for ever. A descriptor that blocks still waits for a slow one.
import { writeSync } from "node:fs";

export interface LineSinkOptions {
  readonly fd: number;
  /** So much is gathered before it is written; 0 writes each line at once. */
  readonly gatherBytes: number;
}

/** What a reader that does not read may be behind; past that all but the newest line are left out. */
const mostWaiting = 1_048_576;
/** At the end of the process a slow reader is given so many times ten milliseconds. */
const lastTries = 50;
const lastPauseMs = 10;

export class LineSink {
  readonly #options: LineSinkOptions;
  /** The rest of what has been written in part: it cannot be left out. */
  #begun: Buffer = Buffer.alloc(0);
  #lines: string[] = [];
  #waiting = 0;

  constructor(options: LineSinkOptions) {
    this.#options = options;
  }

  write(line: string): void {
    this.#lines.push(line);
    this.#waiting += line.length;
    if (this.#waiting >= this.#options.gatherBytes) this.flush();
  }

  /** Writes what the reader takes now; `onDone` is told at once. */
  flush(onDone?: () => void): void {
    this.#flush();
    onDone?.();
  }

  /** Waits a moment for a slow reader. */
  end(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < lastTries && !this.#flush(); tries += 1) {
      Atomics.wait(pause, 0, 0, lastPauseMs);
    }
  }

  /** Whether nothing waits any more. */
  #flush(): boolean {
    if (this.#lines.length > 0) {
      this.#begun = Buffer.concat([this.#begun, Buffer.from(this.#lines.join(""), "utf8")]);
    }
    const all = this.#lines;
    this.#lines = [];
    this.#waiting = 0;
    try {
      while (this.#begun.length > 0) {
        this.#begun = this.#begun.subarray(writeSync(this.#options.fd, this.#begun));
      }
    } catch (thrown) {
      this.#keep(all, thrown);
    }
    return this.#begun.length === 0;
  }

  /** Only a reader that is slow is waited for: one that is gone does not come back. */
  #keep(all: readonly string[], thrown: unknown): void {
    const isSlow = (thrown as NodeJS.ErrnoException).code === "EAGAIN";
    if (!isSlow) {
      this.#begun = Buffer.alloc(0);
      return;
    }
    if (this.#begun.length <= mostWaiting) return;
    // Up to the end of the line that is written in part.
    const lineEnd = this.#begun.indexOf("\n") + 1;
    const newest = Buffer.from(all.at(-1) ?? "", "utf8");
    this.#begun = Buffer.concat([this.#begun.subarray(0, lineEnd), newest]);
  }
}
