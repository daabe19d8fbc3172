import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beatMsFor, isHung, judgeTick, restMsFor } from "../../supervisor/watchdog.ts";

describe("judgeTick", () => {
  const rows: readonly (readonly [number, "judge" | "forgive"])[] = [
    [250, "judge"],
    [0, "judge"],
    [750, "judge"],
    [751, "forgive"],
    [60_000, "forgive"],
  ];
  for (const [lateMs, type] of rows) {
    it(`says ${type} ${lateMs} ms after the last tick`, () =>
      assert.deepEqual(judgeTick(1_000, 1_000 + lateMs), { type }));
  }
});

describe("isHung", () => {
  const rows: readonly (readonly [string, number | undefined, number, boolean, number?])[] = [
    ["a child that has just begun", undefined, 100, false],
    ["a child whose first beat is still in time", undefined, 5_000, false],
    ["a child whose first beat is late", undefined, 5_001, true],
    ["a child that has just beaten", 9_000, 9_100, false],
    ["a child that beat in time", 9_000, 14_000, false],
    ["a child whose beat is late", 9_000, 14_001, true],
    ["a child that rests and has still time to beat", 9_000, 24_000, false, 10_000],
    ["a child that rests and is late", 9_000, 24_001, true, 10_000],
  ];
  for (const [name, beatAt, now, hung, restMs = 0] of rows) {
    it(`is ${hung} for ${name}`, () =>
      assert.equal(isHung({ beatAt, startedAt: 0, restMs }, now, 5_000), hung));
  }
});

describe("beatMsFor", () => {
  const rows: readonly (readonly [number, number])[] = [
    [500, 125],
    [501, 125],
    [3_999, 999],
    [5_000, 1_000],
    [60_000, 1_000],
  ];
  for (const [hangMs, beatMs] of rows) {
    it(`is ${beatMs} ms where ${hangMs} ms of silence are a hang`, () =>
      assert.equal(beatMsFor(hangMs), beatMs));
  }
});

describe("restMsFor", () => {
  const rows: readonly (readonly [number, number])[] = [
    [500, 3_000],
    [5_000, 30_000],
    [60_000, 30_000],
  ];
  for (const [hangMs, restMs] of rows) {
    it(`is ${restMs} ms where ${hangMs} ms of silence are a hang`, () =>
      assert.equal(restMsFor(hangMs), restMs));
  }
});
