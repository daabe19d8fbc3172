import assert from "node:assert/strict";

const patienceMs = 5_000;

/** Resolves when it is so; what has to happen for that are events, so nothing sleeps here. */
export async function until(isSo: () => boolean, what = "what was waited for"): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (!isSo()) {
    assert.ok(performance.now() < giveUpAt, `${what} did not happen in ${patienceMs} ms`);
    await new Promise(setImmediate);
  }
}
