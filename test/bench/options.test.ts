import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseBenchOptions } from "../../bench/options.ts";

const defaults = {
  rounds: 5,
  seconds: 3,
  quick: false,
  contestants: ["troupe", "echo", "single"],
  works: ["tiny-64", "tiny-1", "smoother-1", "smoother-200"],
  ratePerSecond: undefined,
  pinned: true,
  logLevel: "warn",
  models: "models",
  results: "bench/results",
  assert: false,
};

describe("parseBenchOptions", () => {
  it("measures all for five rounds of three seconds", () => {
    assert.deepEqual(parseBenchOptions([]), defaults);
  });

  it("shortens rounds when quick", () => {
    const options = parseBenchOptions(["--quick"]);
    assert.deepEqual(options, { ...defaults, quick: true, rounds: 3, seconds: 1 });
  });

  it("lets a number given prevail over quick", () => {
    assert.equal(parseBenchOptions(["--quick", "--rounds", "7"]).rounds, 7);
  });

  it("keeps contestants in their order", () => {
    const { contestants } = parseBenchOptions(["--contestants", "single,troupe"]);
    assert.deepEqual(contestants, ["troupe", "single"]);
  });

  it("keeps works in their order", () => {
    const { works } = parseBenchOptions(["--works", "smoother-200,tiny-1"]);
    assert.deepEqual(works, ["tiny-1", "smoother-200"]);
  });

  for (const [args, message] of [
    [["--rounds", "1.5"], /--rounds: a whole number is wanted, got "1.5"/],
    [["--seconds", "0"], /--seconds: a number above 0 is wanted, got "0"/],
    [["--rate", "fast"], /--rate: a number above 0 is wanted, got "fast"/],
    [["--contestants", "echo,ecco"], /--contestants: .* got "ecco"/],
    [
      ["--works", "tiny-1,smoother-2"],
      /--works: some of tiny-64,tiny-1,smoother-1,smoother-200 are wanted, got "smoother-2"/,
    ],
    [["--works", ""], /--works: .* got ""/],
    [["--round", "5"], /--round/],
  ] as const) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => parseBenchOptions(args), message);
    });
  }
});
