import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Silence } from "../../src/front-door/silence.ts";

type Look = readonly [owes: boolean, heard: number];

const rows: readonly (readonly [string, readonly Look[], readonly boolean[]])[] = [
  [
    "no host that owes nothing",
    [
      [false, 5],
      [false, 5],
      [false, 5],
    ],
    [false, false, false],
  ],
  [
    "no host that has just got a request",
    [
      [false, 5],
      [true, 5],
    ],
    [false, false],
  ],
  [
    "a host that owes an answer and says nothing, once",
    [
      [true, 5],
      [true, 5],
      [true, 5],
    ],
    [false, true, false],
  ],
  [
    "no host that says something each time",
    [
      [true, 5],
      [true, 6],
      [true, 7],
    ],
    [false, false, false],
  ],
  [
    "a host that falls silent again",
    [
      [true, 5],
      [true, 5],
      [true, 6],
      [true, 6],
    ],
    [false, true, false, true],
  ],
  [
    "no silence from before it owed",
    [
      [true, 5],
      [false, 5],
      [true, 5],
    ],
    [false, false, false],
  ],
];

describe("Silence", () => {
  for (const [name, looks, told] of rows) {
    it(`tells of ${name}`, () => {
      const silence = new Silence();
      assert.deepEqual(
        looks.map(([owes, heard]) => silence.look(owes, heard)),
        told,
      );
    });
  }
});
