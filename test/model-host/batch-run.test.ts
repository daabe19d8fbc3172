import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runBatch, type SliceResult } from "../../model-host/batch-run.ts";
import type { NamedTensor } from "../../model-host/engine.ts";
import type { WorkSlice } from "../../model-host/work.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { FakeEngine, fp32, mapped, numbersOf } from "./fake-engine.ts";
import { fakeWork, type WorkFields, whole } from "./fake-work.ts";

function spec(name: string, batchAxis: number | null, shape = [-1, 2]): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

function metadata(inputs: readonly TensorSpec[], ...outputs: readonly TensorSpec[]): ModelMetadata {
  return { inputs, outputs, batching: { type: "batched", maxBatchSize: 8 }, notServable: [] };
}

/** `y` doubles `x`, `z` negates it; a row that begins with 13 fails whatever runs with it. */
const model = metadata([spec("x", 0)], spec("y", 0), spec("z", 0));

const refusal = new TroupeError("inference-failed", "13 is unlucky");

function compute([x]: readonly NamedTensor[]) {
  const input = x as NamedTensor;
  for (let at = 0; at < input.data.length; at += 2) if (input.data[at] === 13) throw refusal;
  return { y: mapped(input, (cell) => 2 * cell), z: mapped(input, (cell) => -cell) };
}

function request(values: readonly number[], fields: WorkFields = {}): WorkSlice {
  const rows = values.length / 2;
  return whole(fakeWork({ inputs: [fp32([rows, 2], values)], rows, ...fields }));
}

function ran(...outputs: readonly Tensor[]): SliceResult {
  return { type: "ran", outputs };
}

function row(...values: readonly number[]): Tensor {
  return fp32([values.length / 2, 2], values);
}

function failed(error: TroupeError = refusal): SliceResult {
  return { type: "failed", error };
}

/** As plain values, since slices are views. */
function plain(results: readonly SliceResult[]): unknown {
  return results.map((result) =>
    result.type === "failed"
      ? result
      : result.outputs.map((tensor) => [tensor.shape, numbersOf(tensor)]),
  );
}

async function check(
  slices: readonly WorkSlice[],
  expected: readonly SliceResult[],
  one: ModelMetadata = model,
): Promise<FakeEngine> {
  const engine = new FakeEngine(compute);
  assert.deepEqual(plain(await runBatch(engine, one, slices, unwatched)), plain(expected));
  return engine;
}

const unwatched = () => () => undefined;

describe("runBatch", () => {
  it("gives each request the rows that are its own", async () => {
    const slices = [request([1, 2]), request([3, 4, 5, 6]), request([7, 8])];
    const engine = await check(slices, [ran(row(2, 4)), ran(row(6, 8, 10, 12)), ran(row(14, 16))]);
    assert.equal(engine.runs.length, 1);
  });

  it("runs the rows of a slice only", async () => {
    const { work } = request([1, 2, 3, 4, 5, 6]);
    await check([{ work, fromRow: 1, rows: 1 }], [ran(row(6, 8))]);
  });

  it("fetches the outputs that somebody wants, and gives each the ones it wants in its order", async () => {
    const slices = [request([1, 2], { outputs: [1, 0] }), request([3, 4], { outputs: [0] })];
    const engine = await check(slices, [ran(row(-1, -2), row(2, 4)), ran(row(6, 8))]);
    assert.deepEqual(
      engine.runs.map(({ fetches }) => fetches),
      [["y", "z"]],
    );
  });

  it("fetches no output that nobody wants", async () => {
    const slices = [request([1, 2], { outputs: [1] }), request([3, 4], { outputs: [1] })];
    const engine = await check(slices, [ran(row(-1, -2)), ran(row(-3, -4))]);
    assert.deepEqual(
      engine.runs.map(({ fetches }) => fetches),
      [["z"]],
    );
  });

  it("lets a row that fails fail alone", async () => {
    const slices = [request([1, 2]), request([13, 4]), request([5, 6])];
    const engine = await check(slices, [ran(row(2, 4)), failed(), ran(row(10, 12))]);
    assert.equal(engine.runs.length, 4);
  });

  it("does not run a request twice that failed alone", async () => {
    const engine = await check([request([13, 4])], [failed()]);
    assert.equal(engine.runs.length, 1);
  });

  it("keeps a request's memory, which the engine takes", async () => {
    const slices = [request([1, 2]), request([13, 4])];
    const engine = new FakeEngine(compute);
    const first = await runBatch(engine, model, slices, unwatched);
    assert.deepEqual(plain(await runBatch(engine, model, slices, unwatched)), plain(first));
  });

  it("stacks and cuts along the axis of each tensor", async () => {
    const crossed = metadata([spec("x", 1, [2, -1])], spec("y", 1, [2, -1]));
    const column = (...values: readonly number[]) => fp32([2, values.length / 2], values);
    const slices = [
      whole(fakeWork({ inputs: [column(1, 2)] })),
      whole(fakeWork({ inputs: [column(3, 5, 4, 6)], rows: 2 })),
    ];
    const expected = [ran(column(2, 4)), ran(column(6, 10, 8, 12))];
    const engine = await check(slices, expected, crossed);
    const [run] = engine.runs;
    assert.deepEqual(
      run?.inputs.map((tensor) => [tensor.shape, numbersOf(tensor)]),
      [
        [
          [2, 3],
          [1, 3, 5, 2, 4, 6],
        ],
      ],
    );
  });

  it("gives an input without rows once", async () => {
    const scaled = metadata([spec("x", 0), spec("factor", null, [])], spec("y", 0));
    const slices = [1, 3].map((first) =>
      whole(fakeWork({ inputs: [row(first, 2), fp32([], [9])] })),
    );
    const engine = await check(slices, [ran(row(2, 4)), ran(row(6, 4))], scaled);
    assert.deepEqual(
      engine.runs[0]?.inputs.map(({ shape }) => shape),
      [[2, 2], []],
    );
  });

  it("takes the outputs of an unbatched model as they come", async () => {
    const free = metadata([spec("x", null)], spec("y", null));
    await check([request([1, 2, 3, 4])], [ran(row(2, 4, 6, 8))], free);
  });

  it("cuts nothing apart where an output has other rows than went in, and runs one by one", async () => {
    const engine = new FakeEngine((inputs) => {
      const count = inputs[0]?.shape[0] ?? 0;
      return { y: fp32([count === 1 ? 1 : 5, 2]) };
    });
    const results = await runBatch(engine, model, [request([1, 2]), request([3, 4])], unwatched);
    assert.deepEqual(plain(results), plain([ran(row(0, 1)), ran(row(0, 1))]));
  });

  it("hides what is a bug of ours", async () => {
    const bug = new RangeError("secret");
    const engine = new FakeEngine(() => {
      throw bug;
    });
    const [result] = await runBatch(engine, model, [request([1, 2])], unwatched);
    assert.ok(result?.type === "failed");
    const { code, message, cause } = result.error;
    assert.deepEqual([code, message, cause], ["internal", "internal error", bug]);
  });

  it("watches each run of the engine on its own, so that a rerun has its whole time", async () => {
    const watched: string[] = [];
    const failing = new FakeEngine(() => {
      throw new Error("no");
    });
    const slices = [request([1, 2]), request([3, 4])];
    await runBatch(failing, model, slices, (some) => {
      watched.push(`run ${some.length}`);
      return () => watched.push("ended");
    });
    assert.deepEqual(watched, ["run 2", "ended", "run 1", "ended", "run 1", "ended"]);
  });
});
