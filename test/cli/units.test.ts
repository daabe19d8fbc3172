import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesText, msText, secondsText, tensorText } from "../../src/cli/units.ts";

describe("numbers for people", () => {
  for (const [bytes, text] of [
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_536, "1.5 KiB"],
    [96_468_992, "92.0 MiB"],
    [524_288_000, "500 MiB"],
  ] as const) {
    it(`say ${text}`, () => assert.equal(bytesText(bytes), text));
  }

  for (const [seconds, text] of [
    [12.7, "12 s"],
    [119, "119 s"],
    [600, "10 min"],
    [7_200, "2 h"],
    [172_800, "2 d"],
  ] as const) {
    it(`say ${text} for ${seconds} seconds`, () => assert.equal(secondsText(seconds), text));
  }

  it("have three digits that count", () => {
    assert.deepEqual(
      [msText(0.012_345), msText(12.345), msText(1_234.5)],
      ["0.0123 ms", "12.3 ms", "1230 ms"],
    );
  });

  it("name a tensor with its datatype and shape", () => {
    const tensor = { name: "x", datatype: "FP32", shape: [-1, 4] };
    assert.equal(tensorText(tensor), "x FP32[-1,4]");
  });
});
