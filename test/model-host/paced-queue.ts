/* A host's queue, its pace and an engine that costs what a test says, on a clock that goes by events: minutes in a blink. */
import { decideBatch } from "../../model-host/batch-decision.ts";
import { LoadFigures } from "../../model-host/load-figures.ts";
import { type Pace, paceOf } from "../../model-host/pace.ts";
import type { Work, WorkSlice } from "../../model-host/work.ts";
import { WorkQueue } from "../../model-host/work-queue.ts";
import type { Random } from "../../models/random.ts";
import { FakeClock } from "../fake-clock.ts";
import { fakeWork } from "./fake-work.ts";
import { queueSettings } from "./host-spec.ts";

export interface PacedOptions {
  readonly p99Ms: number | null;
  readonly maxBatchSize?: number;
  readonly maxQueueDelayMs?: number;
  readonly runMs: (rows: number) => number;
}

export interface Answered {
  readonly rows: number;
  readonly answeredAt: number;
  readonly latencyMs: number;
}

const wayMs = 0.1;

export class PacedQueue {
  readonly clock = new FakeClock();
  readonly answered: Answered[] = [];
  readonly pace: Pace;
  readonly #runMs: (rows: number) => number;
  readonly #figures = new LoadFigures();
  readonly #queue = new WorkQueue<Work>(queueSettings({ maxRows: 1_000_000 }));
  readonly #onAnswer = new Map<Work, () => void>();
  #isBusy = false;
  #disarm: (() => void) | undefined;

  constructor({ p99Ms, maxBatchSize = 64, maxQueueDelayMs = 0, runMs }: PacedOptions) {
    this.#runMs = runMs;
    this.pace = paceOf({
      spec: { batching: { maxBatchSize, maxQueueDelayMs }, objective: { p99Ms } },
      metadata: { batching: { type: "batched", maxBatchSize } },
      clock: this.clock,
      figures: this.#figures,
      queue: this.#queue,
    });
  }

  ask(rows: number, onAnswer: () => void = () => undefined): void {
    const work = fakeWork({ rows, arrivedAt: this.clock.now(), deadlineAt: 1e12 });
    this.#onAnswer.set(work, onAnswer);
    this.#queue.offer(work);
    this.#figures.noteRequest(rows);
    this.#feed();
  }

  /** Requests that come by chance, at this rate. */
  come(random: Random, perMs: number, untilMs = Number.POSITIVE_INFINITY, rows = 1): void {
    this.clock.after(-Math.log(1 - random()) / perMs, () => {
      if (this.clock.now() >= untilMs) return;
      this.ask(rows);
      this.come(random, perMs, untilMs, rows);
    });
  }

  /** Clients that ask again as soon as they have their answer, and its way is over. */
  loop(clients: number, rows = 1, untilMs = Number.POSITIVE_INFINITY): void {
    const again = () => {
      if (this.clock.now() < untilMs) this.ask(rows, () => this.clock.after(wayMs, again));
    };
    for (let client = 0; client < clients; client += 1) again();
  }

  #feed(): void {
    this.pace.renew();
    if (this.#isBusy) return;
    this.#disarm?.();
    const { rows, delayMs } = this.pace;
    const decision = decideBatch({
      oldestAt: this.#queue.oldest?.arrivedAt,
      rowsReady: this.#queue.rowsReady(rows),
      maxRows: rows,
      delayMs,
      now: this.clock.now(),
      draining: false,
    });
    if (decision.type === "run") this.#run();
    if (decision.type !== "wait") return;
    this.#disarm = this.clock.after(decision.delayMs, () => this.#feed());
  }

  #run(): void {
    const slices = this.#queue.take(this.pace.rows, this.pace.company);
    const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
    const tookMs = this.#runMs(rows);
    this.#isBusy = true;
    this.clock.after(tookMs, () => {
      this.#figures.noteBatch(rows, tookMs);
      this.#isBusy = false;
      this.#feed();
      this.pace.noteAnswered(slices);
      for (const slice of slices) if (isLast(slice)) this.#answer(slice.work);
    });
  }

  #answer(work: Work): void {
    const answeredAt = this.clock.now();
    this.answered.push({
      rows: work.rows,
      answeredAt,
      latencyMs: answeredAt - work.arrivedAt,
    });
    this.#onAnswer.get(work)?.();
    this.#onAnswer.delete(work);
  }
}

/** The next one may have begun already. */
function isLast({ work, fromRow, rows }: WorkSlice): boolean {
  return fromRow + rows >= work.rows;
}
