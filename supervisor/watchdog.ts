import type { Millis } from "../src/platform/clock.ts";

/** How often the supervisor looks at its children. */
export const tickMs = 250;
/** A tick this late means that the supervisor itself stood still, and what it sees of its children is old. */
const pauseMs = 500;

/** How often a child says that it is alive: several times before it is taken for hung, but no more than is of use. */
export function beatMsFor(hangMs: number): number {
  return Math.min(1_000, Math.floor(hangMs / 4));
}

const longestRestMs = 30_000;

/** The same for a host that has nothing to do: so seldom that a hundred such cost next to nothing. */
export function restMsFor(hangMs: number): number {
  return Math.min(longestRestMs, 6 * hangMs);
}

/** A process that gives way to all others may want for a core this many times as long before it counts as hung. */
const patienceOfThrowaway = 6;

export function hangMsOf(isThrowaway: boolean, hangMs: number): number {
  return isThrowaway ? patienceOfThrowaway * hangMs : hangMs;
}

export interface Watched {
  /** Undefined while its first beat has not come. */
  readonly beatAt: Millis | undefined;
  readonly startedAt: Millis;
  /** So long it may say nothing, as it has nothing to do; 0 where it has. */
  readonly restMs: number;
}

export type Tick = { readonly type: "judge" } | { readonly type: "forgive" };

/** After a pause of its own the supervisor gives every child a new chance, once. */
export function judgeTick(lastTickAt: Millis, now: Millis): Tick {
  return now - lastTickAt > tickMs + pauseMs ? { type: "forgive" } : { type: "judge" };
}

export function isHung(child: Watched, now: Millis, hangMs: number): boolean {
  return now - (child.beatAt ?? child.startedAt) > child.restMs + hangMs;
}
