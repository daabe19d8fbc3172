import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryHistory } from "../../supervisor/memory-history.ts";
import { mebibyte } from "../../supervisor/memory-judge.ts";

const limitBytes = 512 * mebibyte;

/** Looks at so many mebibytes each time, and says what each look has found. */
function look(history: MemoryHistory, values: readonly number[], everyMs = 1_000, fromMs = 0) {
  return values.map((value, index) => {
    const sample = { at: fromMs + index * everyMs, rssBytes: value * mebibyte };
    return history.look(sample, { limitBytes, isLoaded: true }).type;
  });
}

function load(history: MemoryHistory, mebibytes: number): string {
  const sample = { at: 0, rssBytes: mebibytes * mebibyte };
  return history.look(sample, { limitBytes, isLoaded: false }).type;
}

describe("MemoryHistory", () => {
  it("keeps the samples of the last minute, oldest first", () => {
    const history = new MemoryHistory();
    look(
      history,
      Array.from({ length: 70 }, (_, at) => at),
      5_000,
    );
    const kept = history.samples.map(({ at }) => at / 5_000);
    assert.deepEqual(
      kept,
      Array.from({ length: 12 }, (_, at) => 58 + at),
    );
  });

  it("sees growth however often it looks", () => {
    for (const everyMs of [125, 250, 500, 1_000]) {
      const count = 50_000 / everyMs;
      const values = Array.from({ length: count }, (_, at) => 430 + (at * everyMs) / 1_000);
      assert.ok(look(new MemoryHistory(), values, everyMs).includes("replace"), `${everyMs}`);
    }
  });

  it("takes a peak of less than a second for nothing", () => {
    const values = [500, 600, 600, 600, 500];
    assert.deepEqual(new Set(look(new MemoryHistory(), values, 200)), new Set(["fine"]));
  });

  it("sees at once what is far over", () => {
    assert.deepEqual(look(new MemoryHistory(), [500, 800], 10), ["fine", "kill"]);
  });

  it("does not count what loading takes for a while", () => {
    const history = new MemoryHistory();
    assert.deepEqual(
      [load(history, 600), look(history, [600, 500, 600], 1_000)],
      ["fine", ["fine", "fine", "fine"]],
    );
  });

  it("counts what loading takes of the memory of others", () => {
    const history = new MemoryHistory();
    assert.deepEqual([load(history, 800), history.hasFitted], ["kill", false]);
  });

  it("tells what was over from the beginning from what has grown, and from a first peak", () => {
    const [over, grown, peak] = [new MemoryHistory(), new MemoryHistory(), new MemoryHistory()];
    load(over, 100);
    look(over, [600, 700]);
    look(grown, [400, 700]);
    look(peak, [600, 500, 700]);
    assert.deepEqual(
      [over, grown, peak].map(({ hasFitted }) => hasFitted),
      [false, true, true],
    );
  });
});
