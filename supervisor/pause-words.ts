import type { InstanceEffect, Phase } from "./instance.ts";

/** That nothing runs in a slot for a while, as the log tells it. */
export interface PauseWords {
  readonly message: string;
  readonly reason: string | null;
  /** What comes of it when nobody does anything. */
  readonly next: string;
}

/** Undefined where the phase is no pause. `lastCause` is what the process before ended of. */
export function pauseWords(
  phase: Phase,
  effects: readonly InstanceEffect[],
  lastCause: string | null,
): PauseWords | undefined {
  const wake = effects.find(({ type }) => type === "wake");
  const afterMs = wake?.type === "wake" ? Math.round(wake.afterMs) : null;
  if (phase.name === "backing-off") {
    const next = `a start in ${afterMs} ms`;
    return { message: "process backs off", reason: lastCause, next };
  }
  if (phase.name !== "given-up") return undefined;
  const next =
    afterMs === null
      ? "no start before its files or its configuration change"
      : `a start to try it in ${afterMs / 1_000} s`;
  return { message: "process given up", reason: phase.reason, next };
}
