import { percentile } from "../statistics.ts";
import type { Tally } from "./message.ts";

/** The time that counts, in milliseconds of one monotonic clock. */
export interface Window {
  readonly opensAt: number;
  readonly closesAt: number;
}

/** The status of what was taken in, and not answered in time. */
const late = 504;

/** Far more than one process can send: latencies past it would be counted, but not kept. */
const closedPerSecond = 100_000;

export function capacityFor(windowMs: number, perSecond = closedPerSecond): number {
  return Math.ceil((windowMs / 1000) * perSecond) + 1;
}

/** Its memory is taken up front. */
class Latencies {
  readonly #ms: Float64Array;
  #kept = 0;

  constructor(capacity: number) {
    this.#ms = new Float64Array(capacity);
  }

  keep(latencyMs: number): void {
    if (this.#kept === this.#ms.length) return;
    this.#ms[this.#kept] = latencyMs;
    this.#kept += 1;
  }

  sorted(): Float64Array {
    return this.#ms.subarray(0, this.#kept).sort();
  }
}

function merged(left: Float64Array, right: Float64Array): Float64Array {
  const all = new Float64Array(left.length + right.length);
  all.set(left);
  all.set(right, left.length);
  return all.sort();
}

/** Counts what falls in the window; its memory is taken up front, so that counting allocates nothing. */
export class Ledger {
  readonly #window: Window;
  readonly #served: Latencies;
  readonly #late: Latencies;
  readonly #refused: Latencies;
  readonly #statusesNot200 = new Map<number, number>();
  #ok = 0;
  #okInWindow = 0;
  #broken = 0;
  #sent = 0;
  #sendDelayMs = 0;

  constructor(window: Window, capacity: number) {
    this.#window = window;
    this.#served = new Latencies(capacity);
    this.#late = new Latencies(capacity);
    this.#refused = new Latencies(capacity);
  }

  sent(intendedAt: number, now: number): void {
    if (!this.#covers(intendedAt)) return;
    this.#sent += 1;
    this.#sendDelayMs += now - intendedAt;
  }

  answered(intendedAt: number, now: number, status: number): void {
    if (status === 200 && this.#covers(now)) this.#okInWindow += 1;
    if (!this.#covers(intendedAt)) return;
    if (status === 200) this.#serve(now - intendedAt);
    else this.#fail(status, now - intendedAt);
  }

  broke(intendedAt: number): void {
    if (this.#covers(intendedAt)) this.#broken += 1;
  }

  close(neverSent: number, cpuSeconds: number): Tally {
    const sorted = this.#served.sorted();
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
      acceptedP99Ms: percentile(merged(sorted, this.#late.sorted()), 99),
      refusedP99Ms: percentile(this.#refused.sorted(), 99),
      meanSendDelayMs: this.#sent === 0 ? 0 : this.#sendDelayMs / this.#sent,
      cpuSeconds,
    };
  }

  #covers(at: number): boolean {
    return at >= this.#window.opensAt && at < this.#window.closesAt;
  }

  #serve(latencyMs: number): void {
    this.#ok += 1;
    this.#served.keep(latencyMs);
  }

  #fail(status: number, latencyMs: number): void {
    this.#statusesNot200.set(status, (this.#statusesNot200.get(status) ?? 0) + 1);
    const kept = status === late ? this.#late : this.#refused;
    kept.keep(latencyMs);
  }
}
