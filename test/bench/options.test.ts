import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseBenchOptions, studyNames } from "../../bench/options.ts";
import { workNames } from "../../bench/work.ts";

const defaults = {
  rounds: 5,
  seconds: 2,
  settleMs: 1500,
  quick: false,
  contestants: ["troupe", "echo", "single", "bare"],
  works: workNames,
  studies: studyNames,
  manyModels: 100,
  memoryRequests: 1_000_000,
  python: undefined,
  ratePerSecond: undefined,
  pinned: true,
  logLevel: "warn",
  models: "models",
  results: "bench/results",
  readme: false,
  assert: false,
};

describe("parseBenchOptions", () => {
  it("measures all for five rounds of two seconds", () => {
    assert.deepEqual(parseBenchOptions([]), defaults);
  });

  it("shortens rounds when quick", () => {
    const options = parseBenchOptions(["--quick"]);
    const less = { rounds: 1, seconds: 0.5, settleMs: 300, manyModels: 20, memoryRequests: 30_000 };
    assert.deepEqual(options, { ...defaults, quick: true, ...less });
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

  it("takes the beginning of names for all of them, and studies among them", () => {
    const { works, studies } = parseBenchOptions(["--works", "start,mlp,tiny"]);
    assert.deepEqual(works, ["tiny-64", "tiny-1", "mlp-json-64", "mlp-64"]);
    assert.deepEqual(studies, ["start"]);
  });

  it("brings in the Python rival where Python is wanted", () => {
    const { contestants, python } = parseBenchOptions(["--with-python"]);
    assert.deepEqual(contestants.at(-1), "fastapi");
    assert.equal(python, "python3");
    assert.equal(parseBenchOptions(["--python", "/opt/python"]).python, "/opt/python");
  });

  for (const [args, message] of [
    [["--rounds", "1.5"], /--rounds: a whole number is wanted, got "1.5"/],
    [["--seconds", "0"], /--seconds: a number above 0 is wanted, got "0"/],
    [["--rate", "fast"], /--rate: a number above 0 is wanted, got "fast"/],
    [["--contestants", "echo,ecco"], /--contestants: .* got "ecco"/],
    [
      ["--works", "tiny-1,smoother-2"],
      /--works: some of tiny-64,tiny-1,.* are wanted, got "smoother-2"/,
    ],
    [["--works", ""], /--works: .* got ""/],
    [["--round", "5"], /--round/],
  ] as const) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => parseBenchOptions(args), message);
    });
  }
});
