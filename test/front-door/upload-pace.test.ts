import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beginPace, notePace, paceFailure } from "../../src/front-door/upload-pace.ts";

const limits = { minBytesPerSecond: 1_000, slackMs: 30_000 };

/** When the upload is ended: these bytes come, each so many, so long after those before. */
function endOf(...came: readonly (readonly [afterMs: number, bytes: number])[]): number {
  let now = 0;
  let lateAt = beginPace(now, limits);
  for (const [afterMs, bytes] of came) {
    if (now + afterMs >= lateAt) return lateAt;
    now += afterMs;
    lateAt = notePace(lateAt, { now, bytes }, limits);
  }
  return lateAt;
}

function steady(times: number, afterMs: number, bytes: number) {
  return Array.from({ length: times }, () => [afterMs, bytes] as const);
}

describe("The pace of an upload", () => {
  const rows: readonly (readonly [string, number, number])[] = [
    ["says nothing", endOf(), 30_000],
    ["sends one byte and stays silent", endOf([20_000, 1]), 30_001],
    ["has sent enough, and stays silent", endOf([20_000, 100_000]), 50_000],
    ["sends a byte a second", endOf(...steady(100, 1_000, 1)), 30_030],
    ["sends a little too slowly", endOf(...steady(1_000, 1_000, 900)), 291_000],
    ["was fast and trickles", endOf([1, 10_000_000], ...steady(100, 1_000, 1)), 30_031],
  ];
  for (const [what, endedAt, expected] of rows) {
    it(`ends one that ${what}`, () => assert.equal(endedAt, expected));
  }

  it("lets one live on that is just fast enough", () => {
    assert.equal(endOf(...steady(100_000, 1_000, 1_000)), 100_000_000 + 30_000);
  });

  it("lets one catch up that was silent for a while", () => {
    assert.equal(endOf([29_999, 29_999], [29_000, 1_000]), 60_999);
  });

  it("says what it should have been and what it was", () => {
    const failure = paceFailure({ bytes: 31, tookMs: 30_031.4 }, limits);
    assert.deepEqual(
      [failure.code, failure.message],
      [
        "request-timeout",
        "an upload must not fall more than 30000 ms behind 1000 bytes a second; it did, with 31 bytes after 30031 ms",
      ],
    );
  });
});
