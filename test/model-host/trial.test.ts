import assert from "node:assert/strict";
import { it, describe as suite } from "node:test";
import type { LoadedModel, NamedTensor, ValueInfo } from "../../model-host/engine.ts";
import { describe, type TrialOptions } from "../../model-host/trial.ts";
import type { Batching } from "../../src/protocol/model-metadata.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { type Compute, FakeEngine, fp32, mapped, numbersOf, value } from "./fake-engine.ts";

function model(inputs: readonly ValueInfo[], ...outputs: readonly ValueInfo[]): LoadedModel {
  return { inputs, outputs, externalFiles: [], stamp: "" };
}

async function tryOut(one: LoadedModel, compute: Compute, options: Partial<TrialOptions> = {}) {
  const engine = new FakeEngine(compute);
  const metadata = await describe(engine, one, { ...defaults, ...options });
  const axes = [...metadata.inputs, ...metadata.outputs].map(({ batchAxis }) => batchAxis);
  return { metadata, axes, runs: engine.runs };
}

function inputOf(inputs: readonly NamedTensor[], at = 0): NamedTensor {
  const input = inputs[at];
  if (input === undefined) throw new Error(`input ${at} is missing`);
  return input;
}

const defaults: TrialOptions = { maxBatchSize: 16, skip: null, state: null, stream: null };

const batched: Batching = { type: "batched", maxBatchSize: 16 };

function unbatched(reason: string): Batching {
  return { type: "unbatched", reason };
}

/** The sums of the rows of a matrix. */
function rowSums(x: Tensor): Tensor {
  const [rows = 0, columns = 0] = x.shape;
  const sums = Array.from({ length: rows }, (_, row) => {
    const cells = (x.data as Float32Array).subarray(row * columns, (row + 1) * columns);
    return cells.reduce((sum, cell) => sum + cell, 0);
  });
  return fp32([rows, 1], sums);
}

function meanOf({ data }: Tensor): number {
  return (data as Float32Array).reduce((sum, one) => sum + one, 0) / data.length;
}

const x = value("x", ["n", 4]);
const y = value("y", ["n", 1]);

suite("a trial finds batchable", () => {
  it("a model whose rows do not know of each other", async () => {
    const { metadata } = await tryOut(model([x], y), (inputs) => ({ y: rowSums(inputOf(inputs)) }));
    assert.deepEqual(metadata, {
      inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4], batchAxis: 0 }],
      outputs: [{ name: "y", datatype: "FP32", shape: [-1, 1], batchAxis: 0 }],
      batching: batched,
      notServable: [],
      externalFiles: [],
      state: [],
      stream: null,
    });
  });

  it("a model whose state has its rows at axis 1", async () => {
    const state = value("state", [2, "batch", 3]);
    const one = model([value("x", ["batch", 4]), state], y, value("state_out", [2, "batch", 3]));
    const { metadata, axes } = await tryOut(one, (inputs) => ({
      y: rowSums(inputOf(inputs)),
      state_out: mapped(inputOf(inputs, 1), (cell) => 2 * cell),
    }));
    assert.deepEqual([metadata.batching, axes], [batched, [0, 1, 0, 1]]);
  });

  it("a model whose outputs have other names for the axis, or none", async () => {
    const one = model([x], value("y", ["", 1]));
    const { axes } = await tryOut(one, (inputs) => ({ y: rowSums(inputOf(inputs)) }));
    assert.deepEqual(axes, [0, 0]);
  });

  it("a model with an input of rank 0, which all rows share", async () => {
    const { axes } = await tryOut(model([x, value("factor", [])], y), (inputs) => {
      const [factor = 0] = inputOf(inputs, 1).data as Float32Array;
      return { y: mapped(rowSums(inputOf(inputs)), (sum) => sum * factor) };
    });
    assert.deepEqual(axes, [0, null, 0]);
  });

  it("a model that rounds otherwise for other batches", async () => {
    const { metadata } = await tryOut(model([x], y), (inputs) => {
      const sums = rowSums(inputOf(inputs));
      return { y: mapped(sums, (sum) => sum * (1 + 1e-4 * sums.data.length)) };
    });
    assert.deepEqual(metadata.batching, batched);
  });

  it("a model that takes only certain sizes of another axis", async () => {
    const one = model([value("x", ["n", "m"])], value("y", ["n", "m"]));
    const { metadata } = await tryOut(one, (inputs) => {
      const input = inputOf(inputs);
      if (input.shape[1] !== 8) throw new Error("m must be 8");
      return { y: input };
    });
    assert.deepEqual(metadata.batching, batched);
  });

  it("a model whose second hypothesis holds", async () => {
    const one = model([value("x", ["time", "batch"])], value("y", ["time", "batch"]));
    const { axes } = await tryOut(one, (inputs) => {
      const { data, shape } = inputOf(inputs);
      if (shape[1] === 1) throw new Error("one column is not enough");
      return { y: fp32(shape, [...(data as Float32Array)]) };
    });
    assert.deepEqual(axes, [0, 0]);
  });

  it("a model that gives NaN and infinity", async () => {
    const { metadata } = await tryOut(model([x], y), (inputs) => ({
      y: mapped(rowSums(inputOf(inputs)), (sum) => (sum > 2 ? Number.NaN : -1 / 0)),
    }));
    assert.deepEqual(metadata.batching, batched);
  });

  it("a model of texts and big integers", async () => {
    const inputs = [value("x", ["n"], "BYTES"), value("i", ["n"], "INT64")];
    const one = model(inputs, value("y", ["n"], "BYTES"), value("j", ["n"], "INT64"));
    const { axes } = await tryOut(one, ([texts, integers]) => ({
      y: texts as Tensor,
      j: integers as Tensor,
    }));
    assert.deepEqual(axes, [0, 0, 0, 0]);
  });
});

suite("a trial finds unbatchable, and says why,", () => {
  const rows: readonly (readonly [string, LoadedModel, Compute, string])[] = [
    [
      "a model that mixes rows",
      model([x], y),
      (inputs) => {
        const sums = rowSums(inputOf(inputs));
        const mean = meanOf(sums);
        return { y: mapped(sums, (sum) => sum - mean) };
      },
      "output 'y' of a row changes when another row runs beside it",
    ],
    [
      "a model that mixes only in its last output",
      model([x], y, value("z", ["n", 1])),
      (inputs) => {
        const sums = rowSums(inputOf(inputs));
        const mean = meanOf(sums);
        return { y: sums, z: mapped(sums, () => mean) };
      },
      "output 'z' of a row changes when another row runs beside it",
    ],
    [
      "a model whose output is the same for every batch",
      model([x], value("y", [1])),
      (inputs) => ({ y: fp32([1], [meanOf(inputOf(inputs))]) }),
      "output 'y' does not grow with the number of rows",
    ],
    [
      "a model whose output has no axis",
      model([x], value("y", [])),
      (inputs) => ({ y: fp32([], [meanOf(inputOf(inputs))]) }),
      "output 'y' does not grow with the number of rows",
    ],
    [
      "a model whose output grows by more than the rows",
      model([x], value("y", ["pairs"])),
      (inputs) => {
        const count = inputOf(inputs).shape[0] ?? 0;
        return { y: fp32([count * count]) };
      },
      "output 'y' does not grow with the number of rows",
    ],
    [
      "a model that takes one row at a time",
      model([x], y),
      (inputs) => {
        if (inputOf(inputs).shape[0] !== 1) throw new Error("one row");
        return { y: rowSums(inputOf(inputs)) };
      },
      "ONNX Runtime refuses two rows in one run",
    ],
    [
      "a model that takes nothing that was made up",
      model([x], y),
      () => {
        throw new Error("no");
      },
      "ONNX Runtime took none of the inputs that the trial made up",
    ],
  ];
  for (const [name, one, compute, reason] of rows) {
    it(name, async () => {
      const { metadata, axes } = await tryOut(one, compute);
      assert.deepEqual(metadata.batching, unbatched(reason));
      assert.deepEqual(new Set(axes), new Set([null]));
    });
  }
});

suite("a trial is not held", () => {
  it("where it is to be skipped", async () => {
    const skip = "the trial ended the host (SIGSEGV)";
    const { metadata, runs } = await tryOut(model([x], y), () => ({}), { skip });
    assert.deepEqual([metadata.batching, runs], [unbatched(skip), []]);
  });

  it("where no input may have rows", async () => {
    const one = model([value("x", [2, 4])], value("y", [2]));
    const { metadata, runs } = await tryOut(one, () => ({}));
    assert.deepEqual(metadata.batching, unbatched("input 'x' has the fixed shape [2,4]"));
    assert.deepEqual(runs, []);
  });

  it("where the batch is fixed at one, and rows run one by one", async () => {
    const one = model([value("x", [1, 4])], value("y", [1, 2]));
    const { metadata, runs } = await tryOut(one, () => ({}));
    assert.deepEqual(
      [metadata, runs],
      [
        {
          inputs: [{ name: "x", datatype: "FP32", shape: [1, 4], batchAxis: 0 }],
          outputs: [{ name: "y", datatype: "FP32", shape: [1, 2], batchAxis: 0 }],
          batching: { type: "one-by-one", reason: "input 'x' has the fixed shape [1,4]" },
          notServable: [],
          externalFiles: [],
          state: [],
          stream: null,
        },
        [],
      ],
    );
  });
});

suite("an output that is no tensor", () => {
  it("is left out, with its reason, and never fetched", async () => {
    const one = model([x], y, value("map", [], null));
    const { metadata, runs } = await tryOut(one, (inputs) => ({ y: rowSums(inputOf(inputs)) }));
    assert.deepEqual(
      [metadata.outputs.map(({ name }) => name), metadata.notServable],
      [["y"], [{ name: "map", reason: "it is a sequence or map, which cannot be served" }]],
    );
    assert.deepEqual(new Set(runs.flatMap(({ fetches }) => fetches)), new Set(["y"]));
  });
});

suite("what a model remembers", () => {
  const h = value("h", ["n", 4]);
  const one = model([x, h], y, value("hn", ["n", 4]));
  const compute: Compute = (inputs) => {
    const remembered = numbersOf(inputOf(inputs, 1));
    const sums = numbersOf(rowSums(inputOf(inputs)));
    const y = sums.map((sum, row) => sum + (remembered[(row * 4) % remembered.length] ?? 0));
    return { y: fp32([y.length, 1], y), hn: mapped(inputOf(inputs, 1), (cell) => cell + 1) };
  };
  const configured = (output: string) => [{ input: "h", output, initial: "zeros" }] as const;

  it("is found by trying, where its configuration leaves that open", async () => {
    const { metadata } = await tryOut(one, compute);
    assert.deepEqual(
      [metadata.batching, metadata.state],
      [batched, [{ input: 1, output: 1, found: true }]],
    );
  });

  it("is found in a model that cannot be batched", async () => {
    const fixed = [value("h", [4]), value("hn", [4])] as const;
    const { metadata } = await tryOut(model([x, fixed[0]], y, fixed[1]), compute);
    assert.deepEqual(
      [metadata.batching.type, metadata.state],
      ["unbatched", [{ input: 1, output: 1, found: true }]],
    );
  });

  it("is not there where nothing follows from it", async () => {
    const { metadata } = await tryOut(one, (inputs) => ({
      y: rowSums(inputOf(inputs)),
      hn: inputOf(inputs),
    }));
    assert.deepEqual([metadata.batching, metadata.state], [batched, []]);
  });

  it("is what its configuration says, whatever the trial would find", async () => {
    const other = model([x, h], y, value("z", ["n", 4]));
    const { metadata } = await tryOut(
      other,
      (inputs) => ({ y: rowSums(inputOf(inputs)), z: inputOf(inputs) }),
      { state: configured("z") },
    );
    assert.deepEqual(metadata.state, [{ input: 1, output: 1, found: false }]);
  });

  it("is nothing where its configuration says so", async () => {
    const { metadata } = await tryOut(one, compute, { state: [] });
    assert.deepEqual(metadata.state, []);
  });

  it("is not looked for where the trial is to be skipped", async () => {
    const { metadata, runs } = await tryOut(one, compute, { skip: "it ended the host" });
    assert.deepEqual([metadata.state, runs], [[], []]);
  });

  it("is known where the trial is to be skipped, but it is configured", async () => {
    const { metadata } = await tryOut(one, compute, { skip: "no", state: configured("hn") });
    assert.deepEqual(metadata.state, [{ input: 1, output: 1, found: false }]);
  });

  it("has the indexes of the outputs that can be served", async () => {
    const { outputs } = one;
    const mixed = { ...one, outputs: [value("map", [], null), ...outputs] };
    const { metadata } = await tryOut(mixed, compute);
    assert.deepEqual(metadata.state, [{ input: 1, output: 1, found: true }]);
  });

  it("is refused before anything is tried, where the model cannot have it", async () => {
    const engine = new FakeEngine(compute);
    const options = { ...defaults, state: configured("missing") };
    await assert.rejects(describe(engine, one, options), {
      code: "invalid-model",
      message: "state[0].output must be one of 'y', 'hn', got 'missing'",
    });
    assert.deepEqual(engine.runs, []);
  });

  it("is refused where its rows come out along another axis than they go in", async () => {
    const turned = model([x, value("h", ["n", "m"])], y, value("hn", ["m", "n"]));
    const transposing: Compute = (inputs) => {
      const { shape, data } = inputOf(inputs, 1);
      const [rows = 0, columns = 0] = shape;
      const cells = Array.from(data as Float32Array);
      const at = (i: number) => cells[(i % rows) * columns + Math.floor(i / rows)] ?? 0;
      return {
        y: rowSums(inputOf(inputs)),
        hn: fp32(
          [columns, rows],
          cells.map((_, i) => at(i)),
        ),
      };
    };
    const options = { ...defaults, state: configured("hn") };
    await assert.rejects(describe(new FakeEngine(transposing), turned, options), {
      code: "invalid-model",
      message: "state[0] cannot be fed back: its rows lie along another axis where it comes out",
    });
  });

  it("may be a signal, whose window must fit what the trial found", async () => {
    const stream = { input: "x", window: 4, hop: 2, pad: "zeros" } as const;
    const { metadata } = await tryOut(one, compute, { stream });
    assert.deepEqual(metadata.stream, { input: 0, window: 4, hop: 2, pad: "zeros" });
    const wrong = { ...defaults, stream: { ...stream, window: 5 } };
    await assert.rejects(describe(new FakeEngine(compute), one, wrong), {
      code: "invalid-model",
      message: "stream.window of 5 does not fit input 'x', whose shape is [-1,4]",
    });
  });

  it("is not also the signal, where it was found", async () => {
    const stream = { input: "h", window: 4, hop: 4, pad: "zeros" } as const;
    await assert.rejects(describe(new FakeEngine(compute), one, { ...defaults, stream }), {
      code: "invalid-model",
      message: "stream.input must be one of 'x', got 'h'",
    });
  });
});

suite("a trial of a model that takes a signal", () => {
  const one = model([value("x", ["n", "samples"])], y);
  const stream = { input: "x", window: 576, hop: 512, pad: "zeros" } as const;

  /** Takes that many samples, and no others. */
  function takes(samples: number): Compute {
    return (inputs) => {
      const input = inputOf(inputs);
      if (input.shape[1] !== samples) throw new Error(`expected ${samples} samples`);
      return { y: rowSums(input) };
    };
  }

  it("tries it with windows", async () => {
    const { metadata, axes, runs } = await tryOut(one, takes(576), { stream });
    assert.deepEqual([metadata.batching, axes], [batched, [0, 0]]);
    assert.deepEqual(metadata.inputs[0]?.shape, [-1, -1]);
    assert.deepEqual(new Set(runs.map(({ inputs: [input] }) => input?.shape[1])), new Set([576]));
  });

  it("refuses windows of a size that the model does not take, though it takes others", async () => {
    const options = { ...defaults, stream };
    await assert.rejects(describe(new FakeEngine(takes(512)), one, options), {
      code: "invalid-model",
      message: "stream.window of 576: the model takes other sizes, but refuses this one",
    });
  });

  it("does not blame the window where the model takes nothing that was made up", async () => {
    const { metadata } = await tryOut(one, takes(513), { stream });
    assert.deepEqual([metadata.batching.type, metadata.stream?.window], ["unbatched", 576]);
  });

  it("believes the window where the trial is to be skipped", async () => {
    const { metadata, runs } = await tryOut(one, takes(512), { stream, skip: "no" });
    assert.deepEqual([metadata.stream?.window, runs], [576, []]);
  });
});
