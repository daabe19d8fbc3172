import type { QueueSettings } from "../src/protocol/model-settings.ts";
import type { Lane } from "./lane.ts";
import { cut, type Laned, type Slice, standing } from "./slice.ts";

export type Offer = { readonly type: "queued" } | { readonly type: "full"; readonly what: string };

/**
 * Who shares a batch with its first request: nobody, or all that still fit. With `small-too` one that is larger than a
 * batch leaves them up to half of it: else who comes waits for a part of each large one that is there.
 */
export type Company = "first-only" | "all" | "small-too";

export interface Released<Work> {
  readonly next: Work | undefined;
  /** Requests without rows, which are to be answered. */
  readonly passed: readonly Work[];
}

/** Low priority may fill this share of the queue, so that it is shed first. */
const lowShare = 0.5;
/** What may wait of one lane: who sends faster than the model runs must not shut out the others. */
const laneShare = 0.25;

/**
 * Requests in order of arrival, bounded in rows and bytes, from which batches are cut. Of a lane only the first request
 * stands among the others, and gives one row to a batch; then it, or the one behind it, goes to the end, so that lanes
 * take turns. It knows no time.
 */
export class WorkQueue<Work extends Laned<Work>> {
  readonly #limits: QueueSettings;
  #works: Work[] = [];
  /** Those of which a part has been taken: they are behind the others again, with the rest. */
  readonly #begun = new Set<Work>();
  readonly #crowded = new Set<Lane<Work>>();
  #waiting = 0;
  #batchRows = 1;
  #rows = 0;
  #bytes = 0;

  constructor(limits: QueueSettings) {
    this.#limits = limits;
  }

  /**
   * Rows before one that comes now. Of a request that has begun no more than its next batch is, and nothing while its
   * reader takes nothing: it must not shut out the others.
   */
  get rows(): number {
    let rows = this.#rows;
    for (const work of this.#begun) {
      const left = work.rows - work.nextRow;
      rows -= work.credit > 0 ? Math.max(0, left - this.#batchRows) : left;
    }
    return rows;
  }

  get size(): number {
    return this.#works.length + this.#waiting;
  }

  /** The one that has waited longest. */
  get oldest(): Work | undefined {
    return this.#works[0];
  }

  /** An empty queue takes whatever comes, so that a request larger than the limits is served, alone. */
  offer(work: Work): Offer {
    const full = this.size > 0 ? this.#whatIsFull(work) : undefined;
    if (full !== undefined) return { type: "full", what: full };
    this.#bytes += work.bytes;
    if (work.lane !== null) this.#enter(work, work.lane);
    else this.#push(work);
    return { type: "queued" };
  }

  #whatIsFull(work: Work): string | undefined {
    const share = work.priority === "low" ? lowShare : 1;
    const { maxRows, maxBytes } = this.#limits;
    const { rows } = this;
    if (rows + standing(work) > maxRows * share) return `${rows} of ${maxRows} rows`;
    if (this.#bytes + work.bytes > maxBytes * share) return `${this.#bytes} of ${maxBytes} bytes`;
    return work.lane?.isTaken ? this.#whatIsFullOf(work.lane, work.bytes) : undefined;
  }

  #whatIsFullOf(lane: Lane<Work>, bytes: number): string | undefined {
    const frames = Math.max(1, Math.floor(this.#limits.maxRows * laneShare));
    const most = this.#limits.maxBytes * laneShare;
    if (lane.waiting.length >= frames) return `${frames} frames of this sequence`;
    return lane.bytes + bytes > most ? `${lane.bytes} bytes of this sequence` : undefined;
  }

  #enter(work: Work, lane: Lane<Work>): void {
    lane.bytes += work.bytes;
    if (!lane.isTaken) {
      lane.isTaken = true;
      this.#push(work);
      return;
    }
    lane.waiting.push(work);
    this.#waiting += 1;
    this.#crowded.add(lane);
  }

  #push(work: Work): void {
    this.#works.push(work);
    this.#rows += standing(work);
  }

  /** What of the lane was running has ended: the next of it is queued. Those without rows have had their turn with it. */
  release(lane: Lane<Work>): Released<Work> {
    const passed: Work[] = [];
    let next = this.#shift(lane);
    for (; next?.rows === 0; next = this.#shift(lane)) {
      this.#finish(next);
      passed.push(next);
    }
    lane.isTaken = next !== undefined;
    if (next !== undefined) this.#push(next);
    return { next, passed };
  }

  #shift(lane: Lane<Work>): Work | undefined {
    const next = lane.waiting.shift();
    if (lane.waiting.length === 0) this.#crowded.delete(lane);
    if (next !== undefined) this.#waiting -= 1;
    return next;
  }

  /** Takes out all of the lane that is not running. */
  removeLane(lane: Lane<Work>): readonly Work[] {
    return lane.isTaken ? this.#removeFrom([lane], (work) => work.lane === lane) : [];
  }

  /** Takes out the request and all that wait behind it in its lane; behind one that is running that is all. */
  removeTail(work: Work, lane: Lane<Work>): readonly Work[] {
    const at = lane.waiting.indexOf(work);
    if (at < 0) return this.removeLane(lane);
    const tail = new Set(lane.waiting.slice(at));
    return this.#removeFrom([lane], (one) => tail.has(one));
  }

  /** Those for which the condition holds, where they are. */
  where(holds: (work: Work) => boolean): readonly Work[] {
    const waiting = [...this.#crowded].flatMap((lane) => lane.waiting.filter(holds));
    return [...this.#works.filter(holds), ...waiting];
  }

  /** False where it is not queued any more. */
  remove(work: Work): boolean {
    const lanes = work.lane === null ? [] : [work.lane];
    return this.#removeFrom(lanes, (one) => one === work).length > 0;
  }

  /** Takes out those for which `isGone` holds. */
  removeWhere(isGone: (work: Work) => boolean): readonly Work[] {
    return this.#removeFrom([...this.#crowded], isGone);
  }

  #removeFrom(lanes: readonly Lane<Work>[], isGone: (work: Work) => boolean): readonly Work[] {
    const gone = this.#works.filter(isGone);
    if (gone.length > 0) this.#works = this.#works.filter((work) => !isGone(work));
    for (const work of gone) this.#rows -= standing(work);
    for (const lane of lanes) gone.push(...this.#thin(lane, isGone));
    for (const work of gone) this.#finish(work);
    return gone;
  }

  #thin(lane: Lane<Work>, isGone: (work: Work) => boolean): readonly Work[] {
    const gone = lane.waiting.filter(isGone);
    if (gone.length === 0) return gone;
    const left = lane.waiting.filter((work) => !isGone(work));
    lane.waiting.splice(0, lane.waiting.length, ...left);
    this.#waiting -= gone.length;
    if (left.length === 0) this.#crowded.delete(lane);
    return gone;
  }

  /**
   * Cuts the next batch, of at most `maxRows` rows: the oldest of the highest priority, and all that may join it in
   * order. A request is cut only where it is larger than a batch; what remains of it goes behind the others.
   */
  take(maxRows: number, company: Company = "all"): readonly Slice<Work>[] {
    const first = this.#first();
    if (first === undefined) return [];
    this.#batchRows = maxRows;
    const mayShare = company !== "first-only" && first.key !== null && !first.alone;
    const isShared = mayShare && company === "small-too" && standing(first) > maxRows;
    const slices = [cut(first, isShared ? this.#shareOf(first, maxRows) : maxRows)];
    if (mayShare) this.#fill(slices, first, maxRows);
    this.#settle(slices);
    return slices;
  }

  /** What is left of a batch beside those that fit into half of it; none of low priority takes it from another. */
  #shareOf(first: Work, maxRows: number): number {
    let left = Math.floor(maxRows / 2);
    const least = maxRows - left;
    for (const work of this.#companions(first)) {
      if (work.priority === "low" && first.priority !== "low") break;
      if (standing(work) <= left) left -= standing(work);
    }
    return least + left;
  }

  #fill(slices: Slice<Work>[], first: Work, maxRows: number): void {
    let room = maxRows - (slices[0]?.rows ?? 0);
    for (const work of this.#companions(first)) {
      if (room === 0) return;
      const rows = standing(work);
      if (rows > room) continue;
      slices.push(cut(work, rows));
      room -= rows;
    }
  }

  /** The one with which the next batch would begin. */
  get first(): Work | undefined {
    return this.#first();
  }

  /** Rows that the next batch would hold if it were cut now. */
  rowsReady(maxRows: number): number {
    const first = this.#first();
    if (first === undefined) return 0;
    if (first.key === null || first.alone) return maxRows;
    let rows = standing(first);
    for (const work of this.#companions(first)) {
      if (rows >= maxRows) break;
      rows += standing(work);
    }
    return Math.min(rows, maxRows);
  }

  #first(): Work | undefined {
    const runnable = (work: Work) => work.credit > 0;
    return (
      this.#works.find((work) => work.priority !== "low" && runnable(work)) ??
      this.#works.find(runnable)
    );
  }

  /** Those that may share a batch with `first`: low priority comes after all others. */
  *#companions(first: Work): Generator<Work> {
    const mayJoin = (work: Work) =>
      work !== first && work.key === first.key && !work.alone && work.credit > 0;
    let hasLow = false;
    for (const work of this.#works) {
      if (work.priority === "low") hasLow = true;
      else if (mayJoin(work)) yield work;
    }
    if (!hasLow) return;
    for (const work of this.#works) if (work.priority === "low" && mayJoin(work)) yield work;
  }

  #settle(slices: readonly Slice<Work>[]): void {
    const taken = new Set(slices.map((slice) => slice.work));
    for (const { work, rows } of slices) {
      this.#rows -= standing(work);
      work.nextRow += rows;
      work.credit -= 1;
    }
    const unfinished = [...taken].filter((work) => work.nextRow < work.rows);
    this.#works = this.#works.filter((work) => !taken.has(work));
    for (const work of unfinished) {
      this.#push(work);
      if (work.lane === null) this.#begun.add(work);
    }
    for (const work of taken) if (work.nextRow >= work.rows) this.#finish(work);
  }

  #finish(work: Work): void {
    this.#begun.delete(work);
    this.#bytes -= work.bytes;
    if (work.lane !== null) work.lane.bytes -= work.bytes;
  }
}
