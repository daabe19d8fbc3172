import type { Spread } from "./statistics.ts";

export interface Bound {
  readonly type: "at-least" | "at-most";
  readonly limit: number;
}

/** A figure of a run, over its rounds; a ratio where its unit is "×". */
export interface Finding {
  readonly work: string;
  readonly what: string;
  readonly unit: string;
  readonly measured: Spread;
  /** What Troupe promises of it; undefined where it promises nothing. */
  readonly bound?: Bound;
}

/** One that is promised. */
export interface Promised extends Finding {
  readonly bound: Bound;
}

export function isPromised(finding: Finding): finding is Promised {
  return finding.bound !== undefined;
}

/** By the median of the rounds. */
export function isMet({ measured, bound }: Promised): boolean {
  return bound.type === "at-least"
    ? measured.median >= bound.limit
    : measured.median <= bound.limit;
}

export function atLeast(limit: number): Bound {
  return { type: "at-least", limit };
}

export function atMost(limit: number): Bound {
  return { type: "at-most", limit };
}
