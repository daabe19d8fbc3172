/* Which refusals get a line of their own. Under a flood a line each would cost as much as refusing, and bury the others. */
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { ErrorCode } from "../protocol/errors.ts";

export interface Refusal {
  readonly model: string;
  readonly code: ErrorCode | null;
}

/** So many a window get their line; how many more there were, one line at its end says for each model and code. */
export const linesAWindow = 10;
export const windowMs = 1_000;

/** What a server that has no room says, and nothing else: each other failure is news. */
const refusals: ReadonlySet<ErrorCode | null> = new Set(["overloaded", "model-unavailable"]);

interface LeftOut extends Refusal {
  count: number;
}

export class RefusalLines {
  readonly #clock: Clock;
  readonly #log: Pick<Log, "info">;
  #written = 0;
  #isOpen = false;
  readonly #leftOut = new Map<string, LeftOut>();

  constructor(clock: Clock, log: Pick<Log, "info">) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether it gets a line; otherwise it is counted for the one at the end. */
  isDue({ model, code }: Refusal): boolean {
    if (!refusals.has(code)) return true;
    if (!this.#isOpen) this.#open();
    this.#written += 1;
    if (this.#written <= linesAWindow) return true;
    const key = `${code} ${model}`;
    const known = this.#leftOut.get(key);
    if (known === undefined) this.#leftOut.set(key, { model, code, count: 1 });
    else known.count += 1;
    return false;
  }

  #open(): void {
    this.#isOpen = true;
    this.#written = 0;
    this.#clock.after(windowMs, () => this.#close());
  }

  #close(): void {
    this.#isOpen = false;
    for (const { model, code, count } of this.#leftOut.values()) {
      this.#log.info({ model, code, count }, "requests refused without a line each");
    }
    this.#leftOut.clear();
  }
}
