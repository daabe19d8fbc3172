import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runBatch, type SliceResult } from "../../model-host/batch-run.ts";
import type { Engine, NamedTensor, RunResult } from "../../model-host/engine.ts";
import { Sequence } from "../../model-host/sequence.ts";
import type { WorkSlice } from "../../model-host/work.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { type Compute, FakeEngine, fp32, mapped, numbersOf } from "./fake-engine.ts";
import { FakeDoor, fakeWork, servedModel, type WorkFields, whole } from "./fake-work.ts";

function spec(name: string, batchAxis: number | null, shape = [-1, 2]): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

function served(inputs: readonly TensorSpec[], ...outputs: readonly TensorSpec[]): ServedModel {
  const batching = { type: "batched", maxBatchSize: 8 } as const;
  return servedModel({
    inputs,
    outputs,
    batching,
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  });
}

/** `y` doubles `x`, `z` negates it; a row that begins with 13 fails whatever runs with it. */
const model = served([spec("x", 0)], spec("y", 0), spec("z", 0));

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
  return { type: "ran", outputs, state: [] };
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
  one: ServedModel = model,
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
    const crossed = served([spec("x", 1, [2, -1])], spec("y", 1, [2, -1]));
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
    const scaled = served([spec("x", 0), spec("factor", null, [])], spec("y", 0));
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
    const free = served([spec("x", null)], spec("y", null));
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

/** Adds what comes to what it remembers; `y` and the state that comes out are both the sum. A row of 13 fails. */
function adding(h: TensorSpec): ServedModel {
  const { metadata } = served([spec("x", 0, [-1, 2]), h], spec("y", 0), { ...h, name: "hn" });
  const state = [{ input: 1, output: 1, found: false }];
  return servedModel({ ...metadata, state });
}

const atFirst = adding(spec("h", 0));
const atSecond = adding(spec("h", 1, [2, -1]));

function sum([x, h]: readonly NamedTensor[]) {
  const [input, state] = [x, h] as [NamedTensor, NamedTensor];
  const remembered = numbersOf(state);
  if (numbersOf(input).includes(13)) throw refusal;
  const sums = numbersOf(input).map((cell, at) => cell + (remembered[at] ?? 0));
  return { y: fp32(input.shape, sums), hn: fp32(state.shape, sums) };
}

/** The same where a row of the state is a column. */
function sumOfColumns([x, h]: readonly NamedTensor[]) {
  const { y, hn } = sum([x as NamedTensor, { name: "h", ...transposed(h as NamedTensor) }]);
  return { y, hn: transposed(hn) };
}

function transposed(tensor: Tensor): Tensor {
  const [rows = 0, columns = 0] = tensor.shape;
  const cells = numbersOf(tensor);
  const turned = cells.map((_, at) => cells[(at % rows) * columns + Math.floor(at / rows)] ?? 0);
  return fp32([columns, rows], turned);
}

interface FrameFields {
  readonly x: readonly number[];
  /** What it remembers; null stands for a first frame. */
  readonly state: Tensor | null;
  readonly standIn?: Tensor;
}

function frame({ x, state, standIn = fp32([1, 2], [0, 0]) }: FrameFields): WorkSlice {
  const sequence = new Sequence("k", new FakeDoor(), { isShared: false, signal: null, now: 0 });
  if (state !== null) sequence.state = [state];
  return whole(fakeWork({ inputs: [fp32([1, 2], x), standIn], sequence }));
}

function statesOf(results: readonly SliceResult[]): unknown {
  return results.map((result) =>
    result.type === "failed"
      ? result
      : result.state.map((tensor) => [tensor.shape, numbersOf(tensor)]),
  );
}

/** Keeps what it is given as it is given. */
class BareEngine implements Engine {
  readonly takesMemory: boolean;
  readonly takesNext = false;
  readonly given: (readonly NamedTensor[])[] = [];
  readonly #compute: Compute;

  constructor(compute: Compute = sum, takesMemory = true) {
    this.takesMemory = takesMemory;
    this.#compute = compute;
  }

  load(): Promise<never> {
    throw new Error("there is nothing to load");
  }

  async run(inputs: readonly NamedTensor[], fetches: readonly string[]): Promise<RunResult> {
    this.given.push(inputs);
    const outputs = this.#compute(inputs);
    return { outputs: fetches.map((name) => outputs[name] as Tensor), runMs: 1 };
  }
}

function bufferOf(tensor: Tensor | undefined): unknown {
  return ArrayBuffer.isView(tensor?.data) ? tensor.data.buffer : undefined;
}

describe("runBatch of a request that lies in memory of its own", () => {
  const values = [1, 2, 3, 4];

  /** As a binary codec reads it out of a frame. */
  function own(engine: BareEngine, slice: Partial<WorkSlice> = {}) {
    const ownMemory = new ArrayBuffer(64);
    const data = new Float32Array(ownMemory, 32, 4);
    data.set(values);
    const input: Tensor = { datatype: "FP32", shape: [2, 2], data };
    const work = fakeWork({ inputs: [input], rows: 2, ownMemory });
    const run = (...others: readonly WorkSlice[]) =>
      runBatch(engine, model, [{ ...whole(work), ...slice }, ...others], unwatched);
    const isShared = () => bufferOf(engine.given[0]?.[0]) === ownMemory;
    return { run, isShared };
  }

  it("gives an engine that takes memory the very bytes of the frame", async () => {
    const engine = new BareEngine(compute);
    const { run, isShared } = own(engine);
    assert.deepEqual(plain(await run()), plain([ran(row(2, 4, 6, 8))]));
    assert.equal(isShared(), true);
  });

  it("copies where rows of it are to run again, or run with others", async () => {
    const part = own(new BareEngine(compute), { rows: 1 });
    await part.run();
    const together = own(new BareEngine(compute));
    await together.run(request([5, 6]));
    assert.deepEqual([part.isShared(), together.isShared()], [false, false]);
  });

  it("copies nothing for an engine that takes no memory, whatever becomes of it", async () => {
    const engine = new BareEngine(compute, false);
    const { run, isShared } = own(engine, { rows: 1 });
    await run();
    assert.equal(isShared(), true);
  });
});

describe("runBatch with frames of sequences", () => {
  it("stacks their states at axis 0, and cuts apart what comes out", async () => {
    const slices = [
      frame({ x: [1, 2], state: fp32([1, 2], [10, 20]) }),
      frame({ x: [3, 4], state: null }),
      frame({ x: [5, 6], state: fp32([1, 2], [50, 60]) }),
    ];
    const engine = new FakeEngine(sum);
    const results = await runBatch(engine, atFirst, slices, unwatched);
    const sums = [row(11, 22), row(3, 4), row(55, 66)];
    assert.deepEqual(plain(results), plain(sums.map((one) => ran(one))));
    assert.deepEqual(
      statesOf(results),
      sums.map((one) => [[[1, 2], numbersOf(one)]]),
    );
    assert.equal(engine.runs.length, 1);
  });

  it("stacks their states at axis 1, and cuts apart what comes out", async () => {
    const column = (...values: readonly number[]) => fp32([2, 1], values);
    const standIn = column(0, 0);
    const slices = [
      frame({ x: [1, 2], state: column(10, 20), standIn }),
      frame({ x: [3, 4], state: null, standIn }),
      frame({ x: [5, 6], state: column(50, 60), standIn }),
    ];
    const engine = new FakeEngine(sumOfColumns);
    const results = await runBatch(engine, atSecond, slices, unwatched);
    const stacked = engine.runs[0]?.inputs[1];
    assert.deepEqual(
      [stacked?.shape, stacked && numbersOf(stacked)],
      [
        [2, 3],
        [10, 0, 50, 20, 0, 60],
      ],
    );
    assert.deepEqual(plain(results), plain([ran(row(11, 22)), ran(row(3, 4)), ran(row(55, 66))]));
    assert.deepEqual(statesOf(results), [
      [
        [
          [2, 1],
          [11, 22],
        ],
      ],
      [
        [
          [2, 1],
          [3, 4],
        ],
      ],
      [
        [
          [2, 1],
          [55, 66],
        ],
      ],
    ]);
  });

  const lone: readonly (readonly [number, ServedModel, Compute, readonly number[]])[] = [
    [0, atFirst, sum, [1, 2]],
    [1, atSecond, sumOfColumns, [2, 1]],
  ];
  for (const [axis, model, compute, shape] of lone) {
    it(`gives the engine the state of a lone frame without a copy, at axis ${axis}`, async () => {
      const state = fp32(shape, [10, 20]);
      const slice = frame({ x: [1, 2], state, standIn: fp32(shape) });
      const engine = new BareEngine(compute);
      const results = await runBatch(engine, model, [slice], unwatched);
      const [x, h] = engine.given[0] ?? [];
      assert.equal(bufferOf(h), bufferOf(state));
      assert.notEqual(bufferOf(x), bufferOf(slice.work.request.inputs[0]));
      assert.deepEqual(statesOf(results), [[[shape, [11, 22]]]]);
    });
  }

  it("never gives away, or changes, what a first frame begins with", async () => {
    const standIn = fp32([1, 2], [7, 8]);
    const first = () => frame({ x: [1, 2], state: null, standIn });
    const engine = new BareEngine();
    await runBatch(engine, atFirst, [first()], unwatched);
    await runBatch(engine, atFirst, [first(), first()], unwatched);
    const given = engine.given.map(([, h]) => bufferOf(h) === bufferOf(standIn));
    assert.deepEqual(
      [given, numbersOf(standIn)],
      [
        [false, false],
        [7, 8],
      ],
    );
    const taking = new FakeEngine(sum);
    await runBatch(taking, atFirst, [first()], unwatched);
    assert.deepEqual(numbersOf(standIn), [7, 8]);
  });

  it("keeps what is to be remembered in memory of its own", async () => {
    const slices = [1, 2, 3].map((x) => frame({ x: [x, x], state: fp32([1, 2]) }));
    const results = await runBatch(new FakeEngine(sum), atFirst, slices, unwatched);
    const memory = results.flatMap((result) => (result.type === "ran" ? result.state : []));
    const buffers = memory.map((tensor) => bufferOf(tensor) as ArrayBuffer);
    assert.equal(new Set(buffers).size, 3);
    assert.deepEqual(
      buffers.map(({ byteLength }) => byteLength),
      [8, 8, 8],
    );
    const answered = results.flatMap((result) => (result.type === "ran" ? result.outputs : []));
    assert.ok(answered.every((tensor) => !buffers.includes(bufferOf(tensor) as ArrayBuffer)));
  });

  it("keeps it so where it is the answer too", async () => {
    const { metadata } = atFirst;
    const model = servedModel({
      ...metadata,
      outputs: [{ ...spec("hn", 0) }],
      state: [{ input: 1, output: 0, found: false }],
    });
    const slice = frame({ x: [1, 2], state: fp32([1, 2], [10, 20]) });
    const [result] = await runBatch(new FakeEngine(sum), model, [slice], unwatched);
    assert.ok(result?.type === "ran", "the frame ran");
    assert.deepEqual([result.outputs, result.state], [[row(11, 22)], [row(11, 22)]]);
    assert.notEqual(bufferOf(result.outputs[0]), bufferOf(result.state[0]));
  });

  it("runs them beside requests that stand for themselves, which keep nothing", async () => {
    const alone = whole(
      fakeWork({ inputs: [fp32([2, 2], [1, 2, 3, 4]), fp32([2, 2], [9, 9, 9, 9])], rows: 2 }),
    );
    const slices = [alone, frame({ x: [5, 6], state: fp32([1, 2], [50, 60]) })];
    const engine = new FakeEngine(sum);
    const results = await runBatch(engine, atFirst, slices, unwatched);
    assert.deepEqual(plain(results), plain([ran(row(10, 11, 12, 13)), ran(row(55, 66))]));
    assert.deepEqual(statesOf(results), [
      [],
      [
        [
          [1, 2],
          [55, 66],
        ],
      ],
    ]);
    assert.equal(engine.runs.length, 1);
  });

  it("fetches the state only where somebody needs it", async () => {
    const alone = () => whole(fakeWork({ inputs: [fp32([1, 2]), fp32([1, 2])] }));
    const engine = new FakeEngine(sum);
    await runBatch(engine, atFirst, [alone(), alone()], unwatched);
    await runBatch(engine, atFirst, [frame({ x: [1, 2], state: null })], unwatched);
    assert.deepEqual(
      engine.runs.map(({ fetches }) => fetches),
      [["y"], ["y", "hn"]],
    );
  });

  it("has their states still when the batch must run again one by one", async () => {
    const slices = [
      frame({ x: [1, 2], state: fp32([1, 2], [10, 20]) }),
      frame({ x: [13, 0], state: fp32([1, 2], [30, 40]) }),
      frame({ x: [5, 6], state: fp32([1, 2], [50, 60]) }),
    ];
    const results = await runBatch(new FakeEngine(sum), atFirst, slices, unwatched);
    assert.deepEqual(plain(results), plain([ran(row(11, 22)), failed(), ran(row(55, 66))]));
    assert.deepEqual(statesOf(results), [
      [
        [
          [1, 2],
          [11, 22],
        ],
      ],
      failed(),
      [
        [
          [1, 2],
          [55, 66],
        ],
      ],
    ]);
  });

  it("takes the state of an unbatched model as it comes", async () => {
    const { metadata } = atFirst;
    const withoutRows = ({ name, datatype, shape }: TensorSpec): TensorSpec => ({
      name,
      datatype,
      shape,
      batchAxis: null,
    });
    const free = servedModel({
      ...metadata,
      inputs: metadata.inputs.map(withoutRows),
      outputs: metadata.outputs.map(withoutRows),
      batching: { type: "unbatched", reason: "" },
    });
    const state = fp32([1, 2], [10, 20]);
    const engine = new BareEngine();
    const results = await runBatch(engine, free, [frame({ x: [1, 2], state })], unwatched);
    assert.deepEqual(statesOf(results), [
      [
        [
          [1, 2],
          [11, 22],
        ],
      ],
    ]);
    assert.equal(bufferOf(engine.given[0]?.[1]), bufferOf(state));
  });
});
