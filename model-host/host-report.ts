/* What a host says of its load: to front doors with every answer, to the supervisor with every beat. */
import type { Pressure } from "../src/protocol/pressure.ts";
import type { HostLoad } from "../src/protocol/views.ts";
import type { Breaker } from "./breaker.ts";
import type { LoadFigures } from "./load-figures.ts";
import type { Pace } from "./pace.ts";
import type { Runner } from "./runner.ts";
import type { Sequences } from "./sequences.ts";
import type { Work } from "./work.ts";
import type { WorkQueue } from "./work-queue.ts";

export interface Reported {
  readonly queue: WorkQueue<Work>;
  readonly runner: Runner;
  readonly figures: LoadFigures;
  readonly pace: Pace;
  readonly breaker: Breaker;
  readonly sequences: Sequences;
}

export function pressureOf(reported: Reported, draining: boolean): Pressure {
  const { queue, runner, figures, pace, breaker, sequences } = reported;
  return {
    queuedRows: queue.rows,
    runningRows: runner.rows,
    rowCostMs: figures.batchMs(pace.rows) / pace.rows,
    batchCostMs: figures.batchMs(1),
    rowsPerRequest: figures.rowsPerRequest,
    breaker: breaker.state,
    draining,
    breakerRetryMs: breaker.retryMs,
    sequences: sequences.size,
  };
}

export function loadOf({ queue, runner, pace, breaker, sequences }: Reported): HostLoad {
  // Nothing may have come for a while.
  pace.renew();
  return {
    queueRows: queue.rows,
    inFlight: queue.size + runner.works.length,
    breaker: breaker.state,
    sequences: sequences.size,
    objective: pace.view,
  };
}
