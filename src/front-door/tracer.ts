/* Which requests of this front door are traced, and their traces on the way to the supervisor. */
import type { Clock, Millis } from "../platform/clock.ts";
import type { DoorEvent } from "../protocol/control.ts";
import {
  type HostPoints,
  mostTraces,
  type Sampling,
  type Trace,
  type TracePlan,
  tracesNothing,
} from "../protocol/traces.ts";

/** What the request's own side knows when it is over. */
export type TraceEnds = Omit<Trace, "sentAt" | "host">;

/** Of a request that is traced, filled on its way. */
export class RequestTrace {
  sentAt: Millis | null = null;
  host: HostPoints | null = null;
  readonly #giveBack: () => void;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  /** What a host before that has told counts no more. */
  noteSent(now: Millis): void {
    this.sentAt = now;
    this.host = null;
  }

  /** It is left out, so that another one is taken for it. */
  drop(): void {
    this.#giveBack();
  }
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

  /** The last of each `rate` is picked. */
  pick(): RequestTrace | undefined {
    this.#seen += 1;
    if (this.#left === 0 || this.#seen % this.#rate !== 0) return undefined;
    this.#left -= 1;
    return new RequestTrace(() => {
      this.#left += 1;
    });
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
    if (!this.isOn) return undefined;
    const own = this.#models.get(model);
    const sampler = own === undefined ? this.#all : own;
    return sampler?.pick();
  }

  /** What is more than the supervisor takes at once is left out. */
  finish(trace: RequestTrace, ends: TraceEnds): void {
    if (this.#finished.length >= mostTraces) {
      trace.drop();
      return;
    }
    if (this.#finished.length === 0) this.#clock.after(tellEveryMs, () => this.flush());
    const { sentAt, host } = trace;
    this.#finished.push({ ...ends, sentAt, host });
  }

  flush(): void {
    if (this.#finished.length === 0) return;
    this.#tell({ type: "traces", traces: this.#finished });
    this.#finished = [];
  }
}
