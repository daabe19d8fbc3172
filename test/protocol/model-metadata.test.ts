import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasMemory, type ModelMetadata } from "../../src/protocol/model-metadata.ts";

const pair = { input: 1, output: 1, found: false };
const stream = { input: 0, window: 4, hop: 2, pad: "none" } as const;

describe("hasMemory", () => {
  const rows: readonly (readonly [string, Pick<ModelMetadata, "state" | "stream">, boolean])[] = [
    ["has a state", { state: [pair], stream: null }, true],
    ["has several", { state: [pair, { ...pair, input: 2, output: 2 }], stream: null }, true],
    ["has a state that was found", { state: [{ ...pair, found: true }], stream: null }, true],
    ["takes a signal", { state: [], stream }, true],
    [
      "takes a signal in windows that do not overlap",
      { state: [], stream: { ...stream, hop: 4 } },
      true,
    ],
    ["has a state and takes a signal", { state: [pair], stream }, true],
    ["has neither", { state: [], stream: null }, false],
  ];
  for (const [name, metadata, expected] of rows) {
    it(`is ${expected} of a model that ${name}`, () => assert.equal(hasMemory(metadata), expected));
  }
});
