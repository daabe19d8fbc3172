/* Which requests are not worth their run, because their answers would come too late. */
import type { Millis } from "../src/platform/clock.ts";
import type { Work } from "./work.ts";
import type { WorkQueue } from "./work-queue.ts";

export type Waiting = Pick<Work, "deadlineAt" | "sequence" | "stream">;

/** What one full batch would be, cut now, and run behind what runs. */
export interface NextRun {
  readonly endsAt: Millis;
  readonly maxRows: number;
}

export function hasExpired(now: Millis): (one: Waiting) => boolean {
  return ({ deadlineAt }) => deadlineAt <= now;
}

/** Takes out of the queue what is futile. Only where more waits than one run takes: else nobody would have the place. */
export function takeFutile(queue: WorkQueue<Work>, next: NextRun): readonly Work[] {
  if (queue.rows <= next.maxRows) return [];
  const futile = new Set(
    futileOf(
      queue.where(() => true),
      next.endsAt,
    ),
  );
  return futile.size === 0 ? [] : queue.removeWhere((work) => futile.has(work));
}

/**
 * Those whose deadline passes before the next run ends. A queue that is as long as the deadline would else be run
 * at its edge: each batch right, and too late. None where all are, as what a run costs is an estimate, which only runs
 * mend; and no part of a sequence or stream, which may not be left out.
 */
export function futileOf<W extends Waiting>(waiting: readonly W[], endsAt: Millis): readonly W[] {
  const futile = waiting.filter((one) => one.deadlineAt < endsAt && standsAlone(one));
  return futile.length === waiting.length ? [] : futile;
}

function standsAlone({ sequence, stream }: Waiting): boolean {
  return sequence === null && !stream;
}
