import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { linesAWindow, RefusalLines, windowMs } from "../../src/front-door/refusal-lines.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { FakeClock } from "../fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const said: object[] = [];
  const lines = new RefusalLines(clock, { info: (fields: object) => said.push(fields) });
  /** How many of them get a line. */
  const due = (count: number, code: ErrorCode, model = "iris") =>
    Array.from({ length: count }, () => lines.isDue({ model, code })).filter(Boolean).length;
  return { clock, said, due };
}

describe("RefusalLines", () => {
  const floods: readonly (readonly [ErrorCode, number])[] = [
    ["overloaded", linesAWindow],
    ["model-unavailable", linesAWindow],
    ["invalid-request", 100],
    ["internal", 100],
    ["host-crashed", 100],
    ["deadline-exceeded", 100],
  ];
  for (const [code, expected] of floods) {
    it(`gives ${expected} of 100 at once a line that are ${code}`, () =>
      assert.equal(setUp().due(100, code), expected));
  }

  it("says of each model and code what it left out, when the window is over", () => {
    const { clock, said, due } = setUp();
    due(linesAWindow + 3, "overloaded");
    due(2, "overloaded", "heavy");
    due(1, "model-unavailable", "heavy");
    clock.advance(windowMs - 1);
    assert.deepEqual(said, []);
    clock.advance(1);
    assert.deepEqual(said, [
      { model: "iris", code: "overloaded", count: 3 },
      { model: "heavy", code: "overloaded", count: 2 },
      { model: "heavy", code: "model-unavailable", count: 1 },
    ]);
  });

  it("begins anew after that, and says nothing of a window with a line for each", () => {
    const { clock, said, due } = setUp();
    due(linesAWindow + 1, "overloaded");
    clock.advance(windowMs);
    assert.equal(due(linesAWindow, "overloaded"), linesAWindow);
    clock.advance(windowMs);
    assert.deepEqual([said.length, clock.armed], [1, 0]);
  });
});
