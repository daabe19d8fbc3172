import { percentile } from "../statistics.ts";
import type { Tally } from "./message.ts";

/** The time that counts, in milliseconds of one monotonic clock. */
export interface Window {
  readonly opensAt: number;
  readonly closesAt: number;
}

/** Far more than one process can send: latencies past it would be counted, but not kept. */
const closedPerSecond = 100_000;

export function capacityFor(windowMs: number, perSecond = closedPerSecond): number {
  return Math.ceil((windowMs / 1000) * perSecond) + 1;
}

/** Counts what falls in the window; its memory is taken up front, so that counting allocates nothing. */
export class Ledger {
  readonly #window: Window;
  readonly #latenciesMs: Float64Array;
  readonly #statusesNot200 = new Map<number, number>();
  #kept = 0;
  #ok = 0;
  #okInWindow = 0;
  #broken = 0;
  #sent = 0;
  #sendDelayMs = 0;

  constructor(window: Window, capacity: number) {
    this.#window = window;
    this.#latenciesMs = new Float64Array(capacity);
  }

  sent(intendedAt: number, now: number): void {
    if (!this.#covers(intendedAt)) return;
    this.#sent += 1;
    this.#sendDelayMs += now - intendedAt;
  }

  answered(intendedAt: number, now: number, status: number): void {
    if (status === 200 && this.#covers(now)) this.#okInWindow += 1;
    if (!this.#covers(intendedAt)) return;
    if (status === 200) this.#keep(now - intendedAt);
    else this.#statusesNot200.set(status, (this.#statusesNot200.get(status) ?? 0) + 1);
  }

  broke(intendedAt: number): void {
    if (this.#covers(intendedAt)) this.#broken += 1;
  }

  close(neverSent: number, cpuSeconds: number): Tally {
    const sorted = this.#latenciesMs.subarray(0, this.#kept).sort();
    const statuses = [...this.#statusesNot200];
    const requests = this.#ok + statuses.reduce((sum, [, count]) => sum + count, 0);
    const windowMs = this.#window.closesAt - this.#window.opensAt;
    return {
      requests,
      statusesNot200: Object.fromEntries(statuses),
      broken: this.#broken,
      unanswered: this.#sent - requests - this.#broken + neverSent,
      requestsPerSecond: (this.#okInWindow * 1000) / windowMs,
      p50Ms: percentile(sorted, 50),
      p90Ms: percentile(sorted, 90),
      p99Ms: percentile(sorted, 99),
      maxMs: percentile(sorted, 100),
      meanSendDelayMs: this.#sent === 0 ? 0 : this.#sendDelayMs / this.#sent,
      cpuSeconds,
    };
  }

  #covers(at: number): boolean {
    return at >= this.#window.opensAt && at < this.#window.closesAt;
  }

  #keep(latencyMs: number): void {
    this.#ok += 1;
    if (this.#kept === this.#latenciesMs.length) return;
    this.#latenciesMs[this.#kept] = latencyMs;
    this.#kept += 1;
  }
}
