/* Which requests of this front door are traced, and their traces on the way to the supervisor. */
import type { Clock } from "../platform/clock.ts";
import type { DoorEvent } from "../protocol/control.ts";
import {
  type HostPoints,
  mostTraces,
  type Sampling,
  type Trace,
  type TracePlan,
  tracesNothing,
} from "../protocol/traces.ts";

/** Of a request that is traced, filled on its way. */
export interface RequestTrace {
  sentAt: number | null;
  host: HostPoints | null;
}

/** The supervisor hears of several at once: it must not feel how many there are. */
const tellEveryMs = 100;

class Sampler {
  readonly #rate: number;
  #left: number;
  #seen = 0;

  constructor({ rate, count }: Sampling) {
    this.#rate = rate;
    this.#left = count ?? Number.POSITIVE_INFINITY;
  }

  /** The last of each `rate`. */
  picks(): boolean {
    this.#seen += 1;
    if (this.#left === 0 || this.#seen % this.#rate !== 0) return false;
    this.#left -= 1;
    return true;
  }
}

export class Tracer {
  readonly #clock: Clock;
  readonly #tell: (event: DoorEvent) => unknown;
  #all: Sampler | null = null;
  #models: ReadonlyMap<string, Sampler | null> = new Map();
  #finished: Trace[] = [];
  /** Read for every request. */
  isOn = false;

  constructor(clock: Clock, tell: (event: DoorEvent) => unknown) {
    this.#clock = clock;
    this.#tell = tell;
    this.follow(tracesNothing);
  }

  follow({ all, models }: TracePlan): void {
    this.#all = all && new Sampler(all);
    this.#models = new Map(models.map(([name, one]) => [name, one && new Sampler(one)]));
    this.isOn = all !== null || models.some(([, one]) => one !== null);
  }

  /** Undefined where the request is not traced. */
  begin(model: string): RequestTrace | undefined {
    const own = this.#models.get(model);
    const sampler = own === undefined ? this.#all : own;
    return sampler?.picks() === true ? { sentAt: null, host: null } : undefined;
  }

  /** What is more than the supervisor takes at once is left out. */
  finish(trace: Trace): void {
    if (this.#finished.length === 0) this.#clock.after(tellEveryMs, () => this.flush());
    if (this.#finished.length < mostTraces) this.#finished.push(trace);
  }

  flush(): void {
    if (this.#finished.length === 0) return;
    this.#tell({ type: "traces", traces: this.#finished });
    this.#finished = [];
  }
}
