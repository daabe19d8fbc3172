import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type MeasuredRun,
  type ReviewFacts,
  reviewEngine,
} from "../../model-host/engine-review.ts";

function runs(count: number, ms: number, rows = 1): MeasuredRun[] {
  return Array.from({ length: count }, () => ({ rows, ms }));
}

const hourMs = 3_600_000;

describe("reviewEngine", () => {
  const on = (thread: ReviewFacts["thread"], fields: Partial<ReviewFacts>): ReviewFacts => ({
    thread,
    runs: [],
    sinceMs: hourMs,
    attempts: 0,
    ...fields,
  });
  const main = (fields: Partial<ReviewFacts>) => on("main", fields);
  const own = (fields: Partial<ReviewFacts>) => on("own", fields);

  const rows: readonly (readonly [string, ReviewFacts, "stay" | "main" | "own"])[] = [
    ["stays where its runs are short", main({ runs: runs(128, 0.02) }), "stay"],
    ["leaves where they hold the main thread", main({ runs: runs(128, 0.6) }), "own"],
    ["leaves at once when it has just been loaded", main({ runs: runs(64, 2), sinceMs: 0 }), "own"],
    ["stays while too few have been measured", main({ runs: runs(63, 9) }), "stay"],
    [
      "stays with runs that its trial would not have let in",
      main({ runs: runs(128, 0.4) }),
      "stay",
    ],
    ["stays where one run was long", main({ runs: [...runs(127, 0.02), ...runs(1, 500)] }), "stay"],
    ["stays where half of them were", main({ runs: [...runs(64, 0.02), ...runs(64, 5)] }), "stay"],
    ["leaves where more were", main({ runs: [...runs(63, 0.02), ...runs(65, 5)] }), "own"],
    [
      "leaves where large batches are long among many small ones",
      main({ runs: [...runs(112, 0.02), ...runs(16, 2, 40)].slice(-128) }),
      "own",
    ],
    [
      "stays where fewer large ones are than chance makes",
      main({ runs: [...runs(118, 0.02), ...runs(10, 2, 40)] }),
      "stay",
    ],
    [
      "stays for a while after it has come back",
      main({ runs: runs(128, 2), attempts: 2, sinceMs: 9_999 }),
      "stay",
    ],
    ["leaves again after that", main({ runs: runs(128, 2), attempts: 2, sinceMs: 10_000 }), "own"],
    [
      "stays a minute at most, however often it has been there",
      main({ runs: runs(128, 2), attempts: 50, sinceMs: 60_000 }),
      "own",
    ],
    ["stays on its thread where runs are long", own({ runs: runs(128, 2) }), "stay"],
    ["stays there where runs are between the limits", own({ runs: runs(128, 0.2) }), "stay"],
    ["comes back where they are far below", own({ runs: runs(128, 0.05) }), "main"],
    [
      "comes back in spite of single long ones",
      own({ runs: [...runs(120, 0.05), ...runs(8, 9)] }),
      "main",
    ],
    [
      "comes back not before a minute is over",
      own({ runs: runs(128, 0.05), sinceMs: 59_999 }),
      "stay",
    ],
    [
      "comes back later after it has left",
      own({ runs: runs(128, 0.05), attempts: 3, sinceMs: 479_999 }),
      "stay",
    ],
    [
      "comes back when that is over",
      own({ runs: runs(128, 0.05), attempts: 3, sinceMs: 480_000 }),
      "main",
    ],
    [
      "comes back after an hour, however often it has left",
      own({ runs: runs(128, 0.05), attempts: 50, sinceMs: hourMs }),
      "main",
    ],
    ["stays there while too few have been measured", own({ runs: runs(63, 0.01) }), "stay"],
  ];
  for (const [name, facts, expected] of rows) {
    it(name, () => {
      const verdict = reviewEngine(facts);
      assert.equal(verdict.type === "stay" ? "stay" : verdict.to, expected);
    });
  }

  it("says what was measured", () => {
    const verdict = reviewEngine(main({ runs: runs(128, 1.234) }));
    const reason = "every other of its runs held the main thread for 1.2 ms or more";
    assert.deepEqual(verdict, { type: "move", to: "own", reason });
  });

  it("never moves twice by the same runs, whatever they took", () => {
    for (let ms = 0.01; ms < 3; ms *= 1.1) {
      const moves = (["main", "own"] as const).filter(
        (thread) => reviewEngine(on(thread, { runs: runs(128, ms) })).type === "move",
      );
      assert.ok(moves.length < 2, `${ms} ms`);
    }
  });
});
