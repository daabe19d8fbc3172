import type { Priority } from "../src/protocol/frames.ts";
import type { Lane } from "./lane.ts";

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

export interface Laned<Work> extends Queued {
  /** Null where the rows of a request may run in any order, and together. */
  readonly lane: Lane<Work> | null;
}

/** Rows of one request inside a batch. */
export interface Slice<Work> {
  readonly work: Work;
  readonly fromRow: number;
  readonly rows: number;
}

/** Rows of a request that may be in the next batch, if there is room for them. */
export function standing<Work extends Laned<Work>>({ lane, rows, nextRow }: Work): number {
  return lane === null ? rows - nextRow : 1;
}

export function cut<Work extends Laned<Work>>(work: Work, room: number): Slice<Work> {
  return { work, fromRow: work.nextRow, rows: Math.min(standing(work), room) };
}
