import type { Laned, Slice } from "../../model-host/slice.ts";

/** What tests of the queue put into it: a request that is nothing but its name and what the queue must know. */
export interface Item extends Laned<Item> {
  readonly name: string;
}

/** One row of ten bytes in no lane, but for what is said. */
export function item(name: string, fields: Partial<Item> = {}): Item {
  return {
    name,
    key: "",
    rows: 1,
    bytes: 10,
    priority: "normal",
    deadlineAt: 1_000,
    alone: false,
    arrivedAt: 0,
    nextRow: 0,
    credit: Number.POSITIVE_INFINITY,
    lane: null,
    ...fields,
  };
}

/** `name` where a request is whole, else `name from-to`. */
export function inShort(slices: readonly Slice<Item>[]): readonly string[] {
  return slices.map(({ work, fromRow, rows }) =>
    rows === work.rows ? work.name : `${work.name} ${fromRow}-${fromRow + rows}`,
  );
}
