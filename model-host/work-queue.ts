import type { Priority } from "../src/protocol/frames.ts";
import type { QueueSettings } from "../src/protocol/model-settings.ts";

/** What the queue must know of a request. */
export interface Queued {
  /** Only requests of equal key share a batch; null shares with none. */
  readonly key: string | null;
  readonly rows: number;
  readonly bytes: number;
  readonly priority: Priority;
  readonly deadlineAt: number;
  /** A suspect shares with none. */
  readonly alone: boolean;
  readonly arrivedAt: number;
  /** The first row that no batch has taken yet. */
  nextRow: number;
  /** How many slices may be answered; unbounded but for streams, whose reader grants them. */
  credit: number;
}

/** Rows of one request inside a batch. */
export interface Slice<Work> {
  readonly work: Work;
  readonly fromRow: number;
  readonly rows: number;
}

export type Offer = { readonly type: "queued" } | { readonly type: "full"; readonly what: string };

/** Low priority may fill this share of the queue, so that it is shed first. */
const lowShare = 0.5;

/** Requests in order of arrival, bounded in rows and bytes, from which batches are cut. It knows no time. */
export class WorkQueue<Work extends Queued> {
  readonly #limits: QueueSettings;
  #works: Work[] = [];
  /** Those of which a part has been taken: they are behind the others again, with the rest. */
  readonly #begun = new Set<Work>();
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
    return this.#works.length;
  }

  /** The one that has waited longest. */
  get oldest(): Work | undefined {
    return this.#works[0];
  }

  /** An empty queue takes whatever comes, so that a request larger than the limits is served, alone. */
  offer(work: Work): Offer {
    const share = work.priority === "low" ? lowShare : 1;
    if (this.#works.length > 0) {
      const { maxRows, maxBytes } = this.#limits;
      const { rows } = this;
      if (rows + work.rows > maxRows * share) {
        return { type: "full", what: `${rows} of ${maxRows} rows` };
      }
      if (this.#bytes + work.bytes > maxBytes * share) {
        return { type: "full", what: `${this.#bytes} of ${maxBytes} bytes` };
      }
    }
    this.#works.push(work);
    this.#rows += work.rows - work.nextRow;
    this.#bytes += work.bytes;
    return { type: "queued" };
  }

  /** False where it is not queued any more. */
  remove(work: Work): boolean {
    const at = this.#works.indexOf(work);
    if (at < 0) return false;
    this.#works.splice(at, 1);
    this.#forget(work);
    return true;
  }

  /** Takes out those for which `isGone` holds. */
  removeWhere(isGone: (work: Work) => boolean): readonly Work[] {
    const gone = this.#works.filter(isGone);
    if (gone.length === 0) return gone;
    this.#works = this.#works.filter((work) => !isGone(work));
    for (const work of gone) this.#forget(work);
    return gone;
  }

  /**
   * Cuts the next batch, of at most `maxRows` rows: the oldest of the highest priority, and all that may join it in
   * order. A request is cut only where it is larger than a batch; what remains of it goes behind the others.
   */
  take(maxRows: number, company: "all" | "first-only" = "all"): readonly Slice<Work>[] {
    const first = this.#first();
    if (first === undefined) return [];
    this.#batchRows = maxRows;
    const slices = [cut(first, maxRows)];
    if (company === "all" && first.key !== null && !first.alone) this.#fill(slices, first, maxRows);
    this.#settle(slices);
    return slices;
  }

  #fill(slices: Slice<Work>[], first: Work, maxRows: number): void {
    let room = maxRows - (slices[0]?.rows ?? 0);
    for (const work of this.#companions(first)) {
      if (room === 0) return;
      const rows = work.rows - work.nextRow;
      if (rows > room) continue;
      slices.push(cut(work, rows));
      room -= rows;
    }
  }

  /** Rows that the next batch would hold if it were cut now. */
  rowsReady(maxRows: number): number {
    const first = this.#first();
    if (first === undefined) return 0;
    if (first.key === null || first.alone) return maxRows;
    let rows = first.rows - first.nextRow;
    for (const work of this.#companions(first)) {
      if (rows >= maxRows) break;
      rows += work.rows - work.nextRow;
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
      this.#rows -= rows;
      work.nextRow += rows;
      work.credit -= 1;
    }
    const unfinished = [...taken].filter((work) => work.nextRow < work.rows);
    this.#works = this.#works.filter((work) => !taken.has(work));
    this.#works.push(...unfinished);
    for (const work of unfinished) this.#begun.add(work);
    for (const work of taken) if (work.nextRow >= work.rows) this.#finish(work);
  }

  #forget(work: Work): void {
    this.#rows -= work.rows - work.nextRow;
    this.#finish(work);
  }

  #finish(work: Work): void {
    this.#begun.delete(work);
    this.#bytes -= work.bytes;
  }
}

function cut<Work extends Queued>(work: Work, room: number): Slice<Work> {
  const rows = Math.min(work.rows - work.nextRow, room);
  return { work, fromRow: work.nextRow, rows };
}
