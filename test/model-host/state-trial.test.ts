import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelInterface, ValueInfo } from "../../model-host/engine.ts";
import { pairByName } from "../../model-host/state-pairs.ts";
import { type Axes, confirmState } from "../../model-host/state-trial.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { type Compute, FakeEngine, fp32, mapped, numbersOf, value } from "./fake-engine.ts";

const x = value("x", ["n", 2]);
const y = value("y", ["n", 2]);
const h = value("h", ["n", 2]);
const hn = value("hn", ["n", 2]);
const one: ModelInterface = { inputs: [x, h], outputs: [y, hn] };

function batched(...inputAxes: readonly (number | null)[]): Axes {
  return { batching: { type: "batched", maxBatchSize: 8 }, inputAxes };
}

function added(a: Tensor | undefined, b: Tensor | undefined): Tensor {
  assert.ok(a !== undefined && b !== undefined);
  const terms = numbersOf(b);
  return fp32(
    a.shape,
    numbersOf(a).map((cell, at) => cell + (terms[at] ?? 0)),
  );
}

/** The names of the states that are found among those that are named alike. */
async function find(compute: Compute, model = one, axes = batched(0, 0)) {
  const engine = new FakeEngine(compute);
  const found = await confirmState(engine, model, pairByName(model), axes);
  return { found: found.map(({ input }) => model.inputs[input]?.name), runs: engine.runs };
}

/** Adds up what comes, and gives the sum as state. */
const sums: Compute = ([input, state]) => {
  const sum = added(input, state);
  return { y: sum, hn: sum };
};

describe("confirmState", () => {
  it("finds a state where what is fed back changes something", async () => {
    const { found } = await find(sums);
    assert.deepEqual(found, ["h"]);
  });

  it("runs one row, then another with zeros and with what came out of the first", async () => {
    const { runs } = await find(sums);
    const [first, afresh, after] = runs.map(({ inputs }) => inputs.map(numbersOf));
    const [x1 = [], zeros] = first ?? [];
    const [x2 = []] = afresh ?? [];
    assert.deepEqual([runs.length, zeros, afresh, after], [3, [0, 0], [x2, [0, 0]], [x2, x1]]);
    assert.notDeepEqual(x1, x2);
  });

  it("finds a state that does not depend on what comes", async () => {
    const { found } = await find(([input, state]) => ({
      y: added(input, state),
      hn: mapped(state as Tensor, () => 1),
    }));
    assert.deepEqual(found, ["h"]);
  });

  it("finds the mean of what has come, which is taken from it", async () => {
    const normalizer: ModelInterface = {
      inputs: [x, value("prev_mean", ["n", 2])],
      outputs: [y, value("mean", ["n", 2])],
    };
    const { found } = await find(([input, before]) => {
      const kept = mapped(before as Tensor, (cell) => 0.9 * cell);
      const mean = added(
        kept,
        mapped(input as Tensor, (cell) => 0.1 * cell),
      );
      const y = added(
        input,
        mapped(mean, (cell) => -cell),
      );
      return { y, mean };
    }, normalizer);
    assert.deepEqual(found, ["prev_mean"]);
  });

  it("finds several, whatever order they stand in", async () => {
    const two: ModelInterface = {
      inputs: [h, x, value("c", [3, "n"])],
      outputs: [value("cn", [3, "n"]), y, hn],
    };
    const { found, runs } = await find(
      ([state, input]) => ({
        y: added(input, state),
        hn: mapped(state as Tensor, (number) => number + 1),
        cn: fp32([3, 1]),
      }),
      two,
      batched(0, 0, 1),
    );
    assert.deepEqual(found, ["h", "c"]);
    assert.deepEqual(
      runs[1]?.inputs.map(({ name, shape }) => [name, shape]),
      [
        ["h", [1, 2]],
        ["x", [1, 2]],
        ["c", [3, 1]],
      ],
    );
  });

  it("finds a state of fixed size in a model that is not batched", async () => {
    const fixed: ModelInterface = {
      inputs: [value("x", ["time"]), value("h", [2])],
      outputs: [value("y", ["time"]), value("hn", [2])],
    };
    const { found } = await find(
      ([input, state]) => ({
        y: added(input, state),
        hn: mapped(state as Tensor, (cell) => cell + 1),
      }),
      fixed,
      { batching: { type: "unbatched", reason: "" }, inputAxes: [] },
    );
    assert.deepEqual(found, ["h"]);
  });

  it("finds a state of integers", async () => {
    const count: ModelInterface = {
      inputs: [x, value("h", ["n"], "INT64")],
      outputs: [y, value("hn", ["n"], "INT64")],
    };
    const { found } = await find(([input, state]) => {
      const data = ((state as Tensor).data as BigInt64Array).map((cell) => cell + 1n);
      const y = mapped(input as Tensor, (cell) => cell * Number(data[0]));
      return { y, hn: { datatype: "INT64", shape: [1], data } };
    }, count);
    assert.deepEqual(found, ["h"]);
  });

  it("goes on to other integers where the first show nothing", async () => {
    const text = { ...one, inputs: [value("x", ["n", 64], "INT64"), h] };
    const { found } = await find(([input, state]) => {
      const isLarge = ((input as Tensor).data as BigInt64Array).some((cell) => cell > 1n);
      return { y: state as Tensor, hn: mapped(state as Tensor, () => (isLarge ? 1 : 0)) };
    }, text);
    assert.deepEqual(found, ["h"]);
  });

  it("goes on to other sizes of the signal where the model refuses the first", async () => {
    const free = { ...one, inputs: [value("x", ["n", "m"]), h] };
    const { found, runs } = await find((inputs) => {
      if (inputs[0]?.shape[1] !== 8) throw new Error("m must be 8");
      return { y: inputs[1] as Tensor, hn: mapped(inputs[1] as Tensor, (cell) => cell + 1) };
    }, free);
    assert.deepEqual(
      [found, runs.map(({ inputs }) => inputs[0]?.shape[1])],
      [["h"], [2, 2, 1, 1, 8, 8, 8]],
    );
  });
});

describe("confirmState finds no state", () => {
  const rows: readonly (readonly [string, Compute])[] = [
    [
      "that comes out in another shape than it goes in",
      ([input]) => ({ y: input as Tensor, hn: fp32([2, 2]) }),
    ],
    [
      "that comes out with another rank",
      ([input]) => ({ y: input as Tensor, hn: fp32([1, 1, 2]) }),
    ],
    ["that stays zero", ([input, state]) => ({ y: input as Tensor, hn: state as Tensor })],
    [
      "that has influence on itself only",
      ([input, state]) => ({
        y: input as Tensor,
        hn: mapped(state as Tensor, (cell) => cell + 1),
      }),
    ],
    ["that has no influence", ([input]) => ({ y: input as Tensor, hn: input as Tensor })],
    [
      "that has no influence on numbers that are none",
      ([input]) => ({ y: mapped(input as Tensor, () => Number.NaN), hn: input as Tensor }),
    ],
    [
      "in a model that takes nothing that was made up",
      () => {
        throw new Error("no");
      },
    ],
    [
      "that the model refuses to take back",
      ([input, state]) => {
        if (numbersOf(state as Tensor).some((cell) => cell !== 0)) throw new Error("zeros only");
        return { y: input as Tensor, hn: input as Tensor };
      },
    ],
  ];
  for (const [name, compute] of rows) {
    it(name, async () => assert.deepEqual((await find(compute)).found, []));
  }

  const notTried: readonly (readonly [string, readonly ValueInfo[], Axes])[] = [
    [
      "whose first size is not known",
      [value("h", ["n", "length"]), value("hn", ["n", "length"])],
      batched(0, 0),
    ],
    ["whose rows stand where nobody knows", [h, hn], { ...batched(), inputAxes: [] }],
    ["without axes", [value("h", []), value("hn", [])], batched(0, null)],
  ];
  for (const [name, [into, from], axes] of notTried) {
    it(`${name}, and runs nothing`, async () => {
      assert.ok(into !== undefined && from !== undefined);
      const model = { inputs: [x, into], outputs: [y, from] };
      const { found, runs } = await find(sums, model, axes);
      assert.deepEqual([found, runs], [[], []]);
    });
  }

  it("in a mask that comes out refined, where the score does not follow from it", async () => {
    const segmenter: ModelInterface = {
      inputs: [value("image", ["n", 2]), value("mask", ["n", 2])],
      outputs: [value("score", ["n", 2]), value("mask_out", ["n", 2])],
    };
    const { found, runs } = await find(
      ([image, mask]) => ({ score: image as Tensor, mask_out: added(image, mask) }),
      segmenter,
    );
    assert.deepEqual([found, runs.length > 0], [[], true]);
  });

  it("where one of several is none", async () => {
    const two: ModelInterface = {
      inputs: [x, h, value("c", ["n", "length"])],
      outputs: [y, hn, value("cn", ["n", "length"])],
    };
    assert.deepEqual((await find(sums, two, batched(0, 0, 0))).found, []);
  });

  it("where nothing is named alike", async () => {
    const { found, runs } = await find(sums, { inputs: [x], outputs: [y] });
    assert.deepEqual([found, runs], [[], []]);
  });
});
