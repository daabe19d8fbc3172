import type { Millis } from "../src/platform/clock.ts";
import type { Cadence } from "../src/platform/pulse.ts";

/** How often the supervisor looks at its children. */
export const tickMs = 250;
/** A tick this late means that the supervisor itself stood still, and what it sees of its children is old. */
const pauseMs = 500;

const longestRestMs = 10_000;

/**
 * How often a child says that it is alive: several times before it is taken for hung, but no more than is of use; and
 * while it has nothing to do so seldom that a hundred such cost next to nothing.
 */
export function cadenceFor(hangMs: number): Cadence {
  return {
    beatMs: Math.min(1_000, Math.floor(hangMs / 4)),
    restMs: Math.min(longestRestMs, 2 * hangMs),
  };
}

export interface Watched {
  /** Undefined while its first beat has not come. */
  readonly beatAt: Millis | undefined;
  readonly startedAt: Millis;
  /** It has said that it has nothing to do: its silence begins when it should have been heard again. */
  readonly isResting: boolean;
}

export type Tick = { readonly type: "judge" } | { readonly type: "forgive" };

/** After a pause of its own the supervisor gives every child a new chance, once. */
export function judgeTick(lastTickAt: Millis, now: Millis): Tick {
  return now - lastTickAt > tickMs + pauseMs ? { type: "forgive" } : { type: "judge" };
}

export function isHung(child: Watched, now: Millis, hangMs: number): boolean {
  const restMs = child.isResting ? cadenceFor(hangMs).restMs : 0;
  return now - (child.beatAt ?? child.startedAt) > restMs + hangMs;
}
