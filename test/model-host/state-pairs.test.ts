import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelInterface, ValueInfo } from "../../model-host/engine.ts";
import { indexOf, pairAsConfigured, pairByName } from "../../model-host/state-pairs.ts";
import type { StateTensor } from "../../src/protocol/model-settings.ts";
import { value } from "./fake-engine.ts";

const dims = ["n", 4];
const x = value("x", dims);
const y = value("y", dims);

/** Beside a signal that goes in and an answer that comes out, so that whatever is named may be a state. */
function model(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): ModelInterface {
  return { inputs: [x, ...inputs], outputs: [y, ...outputs] };
}

/** As `input output`. */
function namesOf(one: ModelInterface): readonly string[] {
  return pairByName(one).map(
    ({ input, output }) => `${one.inputs[input]?.name} ${one.outputs[output]?.name}`,
  );
}

describe("pairByName", () => {
  const alike: readonly (readonly [string, string])[] = [
    ["state", "stateN"],
    ["state", "staten"],
    ["state", "state_n"],
    ["state", "state_out"],
    ["state", "state_Out"],
    ["state", "stateout"],
    ["state", "stateOut"],
    ["state", "state_next"],
    ["state", "statenext"],
    ["state", "state_new"],
    ["h", "hn"],
    ["c", "cn"],
    ["h", "h_n"],
    ["h0", "hn"],
    ["h_0", "h_n"],
    ["state_in", "state_out"],
    ["stateIn", "stateOut"],
    ["state_in", "stateN"],
    ["state_prev", "state_new"],
    ["in", "in_out"],
    ["h_prev", "h"],
    ["h", "new_h"],
    ["state", "out_state"],
    ["state_in", "state"],
    ["prev_state", "next_state"],
    ["past_key", "present_key"],
    ["old_h", "new_h"],
    ["in_h", "out_h"],
    ["past_key", "key"],
    ["h1i", "h1o"],
  ];
  for (const [input, output] of alike) {
    it(`pairs ${input} and ${output}`, () => {
      const one = model([value(input, dims)], [value(output, dims)]);
      assert.deepEqual(namesOf(one), [`${input} ${output}`]);
    });
  }

  const strange: readonly (readonly [string, string])[] = [
    ["state", "state"],
    ["state", "states"],
    ["state", "STATE_out"],
    ["hi", "ho"],
    ["state", "new_state_out"],
    ["next_h", "prev_h"],
    ["hn", "h"],
    ["state", "state_output"],
    ["state", "state_out_2"],
    ["state", "stat_out"],
    ["h", "cn"],
    ["in", "out"],
    ["_in", "_out"],
  ];
  for (const [input, output] of strange) {
    it(`does not pair ${input} and ${output}`, () =>
      assert.deepEqual(namesOf(model([value(input, dims)], [value(output, dims)])), []));
  }

  const rows: readonly (readonly [string, ModelInterface, readonly string[]])[] = [
    ["finds nothing where nothing is named alike", model([], []), []],
    [
      "finds several",
      model([value("h", dims), value("c", dims)], [value("cn", dims), value("hn", dims)]),
      ["h hn", "c cn"],
    ],
    [
      "does not take an answer that is named like the signal for a state",
      { inputs: [x], outputs: [value("x_out", dims)] },
      [],
    ],
    [
      "does not take what is named alike for states where nothing else would go in",
      {
        inputs: [x, value("h", dims)],
        outputs: [y, value("x_out", dims), value("hn", dims)],
      },
      [],
    ],
    [
      "does not take for states what is all that comes out",
      { inputs: [x, value("h", dims)], outputs: [value("hn", dims)] },
      [],
    ],
    [
      "does not count an input of rank 0 as what goes in",
      { inputs: [value("rate", []), value("h", dims)], outputs: [y, value("hn", dims)] },
      [],
    ],
    [
      "pairs nothing where an input has two partners",
      model([value("h", dims), value("c", dims)], ["hn", "h_out", "cn"].map(ofDims)),
      [],
    ],
    [
      "pairs nothing where an output has two partners",
      model([value("h", dims), value("h_in", dims)], [value("hn", dims)]),
      [],
    ],
    [
      "is not led astray by a partner that does not fit",
      model([value("h", dims)], [value("hn", dims), value("h_out", ["n", 5])]),
      ["h hn"],
    ],
  ];
  for (const [name, one, expected] of rows) {
    it(name, () => assert.deepEqual(namesOf(one), expected));
  }

  it("says that it was found, and where", () => {
    const one = model([value("h", dims)], [value("hn", dims)]);
    assert.deepEqual(pairByName(one), [{ input: 1, output: 1, found: true }]);
  });
});

function ofDims(name: string): ValueInfo {
  return value(name, dims);
}

describe("a pair of tensors that are named alike", () => {
  const rows: readonly (readonly [string, ValueInfo, ValueInfo, boolean])[] = [
    ["the same sizes", value("h", [2, "n", 128]), value("hn", [2, "n", 128]), true],
    ["other names of free sizes", value("h", [2, "n", 128]), value("hn", [2, "b", 128]), true],
    [
      "a size that only one of them fixes",
      value("h", [2, 1, 128]),
      value("hn", [2, "", 128]),
      true,
    ],
    ["another size", value("h", [2, "n", 128]), value("hn", [2, "n", 64]), false],
    ["another rank", value("h", ["n", 128]), value("hn", ["n", 1, 128]), false],
    ["no axis", value("h", []), value("hn", []), true],
    ["another datatype", value("h", ["n"], "INT64"), value("hn", ["n"], "INT32"), false],
    ["the same datatype, whichever", value("h", ["n"], "INT64"), value("hn", ["n"], "INT64"), true],
    ["no datatype", value("h", ["n"], null), value("hn", ["n"], null), false],
  ];
  for (const [name, input, output, isPair] of rows) {
    it(`is ${isPair ? "a" : "no"} state with ${name}`, () =>
      assert.deepEqual(namesOf(model([input], [output])), isPair ? ["h hn"] : []));
  }
});

describe("pairAsConfigured", () => {
  function pair(input: string, output: string): StateTensor {
    return { input, output, initial: "zeros" };
  }

  const one = model(
    [value("memory", [2, "n", 3]), value("step", [], "INT64")],
    [value("step2", [], "INT64"), value("remembered", [2, "m", 3]), value("flat", ["n", 6])],
  );

  it("takes the names as they are said, in their order, and only them", () =>
    assert.deepEqual(pairAsConfigured(one, [pair("step", "step2"), pair("memory", "remembered")]), [
      { input: 2, output: 1, found: false },
      { input: 1, output: 2, found: false },
    ]));

  it("takes it that there is none", () => assert.deepEqual(pairAsConfigured(one, []), []));

  const mistakes: readonly (readonly [string, readonly StateTensor[], string])[] = [
    [
      "an input that the model does not have",
      [pair("step", "step2"), pair("memmory", "remembered")],
      "state[1].input must be one of 'x', 'memory', 'step', got 'memmory'",
    ],
    [
      "an output that the model does not have",
      [pair("memory", "memory")],
      "state[0].output must be one of 'y', 'step2', 'remembered', 'flat', got 'memory'",
    ],
    [
      "an output of another shape",
      [pair("memory", "flat")],
      "state[0] cannot be fed back: output 'flat' is FP32 [n,6], input 'memory' takes FP32 [2,n,3]",
    ],
    [
      "an output of another datatype",
      [pair("x", "y"), pair("step", "y")],
      "state[1] cannot be fed back: output 'y' is FP32 [n,4], input 'step' takes INT64 []",
    ],
  ];
  for (const [name, state, message] of mistakes) {
    it(`refuses ${name}, and says what there is`, () =>
      assert.throws(() => pairAsConfigured(one, state), { code: "invalid-model", message }));
  }
});

describe("indexOf", () => {
  it("says that there is none where there is none", () =>
    assert.throws(() => indexOf([], "x", "stream.input"), {
      code: "invalid-model",
      message: "stream.input must be one of none, got 'x'",
    }));
});
