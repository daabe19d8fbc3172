/* Asks all children for what they counted, and waits for those that answer. */
import type { Clock } from "../src/platform/clock.ts";
import { unawaitedReport } from "../src/protocol/control.ts";

const patienceMs = 500;
const shortestMs = 2_000;
const perProcessMs = 100;

/**
 * How often the supervisor asks of itself, so that a process that is killed takes little of what it counted with it:
 * ten reports a second at most, so that many idle processes cost next to nothing.
 */
export function reportMsFor(processes: number): number {
  return Math.max(shortestMs, processes * perProcessMs);
}

interface Round {
  readonly awaited: Set<object>;
  readonly finish: () => void;
}

export class Reports {
  readonly #clock: Clock;
  readonly #rounds = new Map<number, Round>();
  #lastId = unawaitedReport;
  #current: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Those who ask while a round is under way share it. */
  gather(
    children: readonly object[],
    ask: (child: object, reportId: number) => void,
  ): Promise<void> {
    this.#current ??= this.#round(children, ask).finally(() => {
      this.#current = undefined;
    });
    return this.#current;
  }

  note(child: object, reportId: number): void {
    const round = this.#rounds.get(reportId);
    round?.awaited.delete(child);
    if (round?.awaited.size === 0) round.finish();
  }

  #round(
    children: readonly object[],
    ask: (child: object, reportId: number) => void,
  ): Promise<void> {
    if (children.length === 0) return Promise.resolve();
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const finish = () => {
        disarm();
        this.#rounds.delete(id);
        resolve();
      };
      const disarm = this.#clock.after(patienceMs, finish);
      this.#rounds.set(id, { awaited: new Set(children), finish });
      for (const child of children) ask(child, id);
    });
  }
}
