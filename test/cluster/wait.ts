import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/** What has long been waited for is looked for less often: looking takes the cores from those who are waited for. */
const restOf = (waitedMs: number): number => Math.min(5 + waitedMs / 10, 100);
const patienceMs = 40_000;

/**
 * Asks again and again until the condition holds, and gives what it then answered; rejects when that takes longer
 * than `boundMs`. A condition that throws does not hold yet.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  description: string,
  boundMs = patienceMs,
): Promise<NonNullable<Exclude<T, false>>> {
  const beganAt = performance.now();
  const waited = (): number => performance.now() - beganAt;
  let last: unknown;
  while (waited() < boundMs) {
    try {
      const value = await condition();
      if (value) return value as NonNullable<Exclude<T, false>>;
      last = value;
    } catch (thrown) {
      last = thrown;
    }
    await pause(restOf(waited()));
  }
  return assert.fail(`waited ${boundMs} ms for ${description}; the last look gave ${last}`);
}

/** What the promise gives, or a rejection when that takes longer than anything here may. */
export async function within<T>(promise: Promise<T>, description: string): Promise<T> {
  const watch = new AbortController();
  const { signal } = watch;
  const limit = pause(patienceMs, undefined, { signal }).then(() =>
    assert.fail(`waited ${patienceMs} ms for ${description}`),
  );
  try {
    return await Promise.race([promise, limit]);
  } finally {
    limit.catch(() => undefined);
    watch.abort();
  }
}

/** Several callers at once, each asking again as soon as it is answered, until told to stop. */
export async function inLoops(
  callers: number,
  isOver: () => boolean,
  ask: (caller: number, round: number) => Promise<void>,
): Promise<void> {
  const loop = async (caller: number) => {
    for (let round = 0; !isOver(); round += 1) await ask(caller, round);
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
}
