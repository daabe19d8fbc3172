import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DecodeOptions, decodeWork } from "../../model-host/decoding.ts";
import { Sequence } from "../../model-host/sequence.ts";
import type { Work } from "../../model-host/work.ts";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";
import { FrameWriter } from "../../src/protocol/frame-stream.ts";
import { parseDoorFrame, type RequestFrame, writeRequest } from "../../src/protocol/frames.ts";
import type { Batching, Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { predictCodec } from "../../src/tensors/predict-codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { v2Codec } from "../../src/tensors/v2-codec.ts";
import type { Signal } from "../../src/tensors/windows.ts";
import { FakeClock } from "../fake-clock.ts";
import { asWritten } from "../protocol/as-written.ts";
import { fp32, numbersOf } from "./fake-engine.ts";
import { FakeDoor, servedModel } from "./fake-work.ts";
import { requestFrame } from "./request-frame.ts";

const batched: Batching = { type: "batched", maxBatchSize: 8 };

function spec(
  name: string,
  shape: readonly number[],
  batchAxis: number | null = 0,
  datatype: Datatype = "FP32",
): TensorSpec {
  return { name, datatype, shape, batchAxis };
}

function model(inputs: readonly TensorSpec[], batching = batched): ServedModel {
  const outputs = [spec("y", [-1, 1])];
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

function frame(body: unknown, fields: Partial<RequestFrame> = {}): RequestFrame {
  return requestFrame(body, { id: 7, deadlineAt: 900, requestId: "r-7", ...fields });
}

const plain = model([spec("x", [-1, 2])]);
const door = new FakeDoor();

function decode(one: RequestFrame, served = plain, fields: Partial<DecodeOptions> = {}): Work {
  const clock = new FakeClock(100);
  return decodeWork(one, door, {
    model: served,
    clock,
    sequence: null,
    fingerprint: undefined,
    ...fields,
  });
}

describe("decodeWork", () => {
  it("makes of a frame what the host works with", () => {
    const one = frame({
      features: [
        [1, 2],
        [3, 4],
      ],
    });
    assert.deepEqual(decode(one), {
      id: 7,
      door,
      requestId: "r-7",
      codec: predictCodec,
      request: {
        inputs: [fp32([2, 2], [1, 2, 3, 4])],
        rows: 2,
        outputs: [0],
        id: undefined,
        bringsState: false,
        isSignal: false,
      },
      stream: false,
      hurried: false,
      sequence: null,
      signal: null,
      lane: null,
      fingerprint: null,
      key: "|2,",
      rows: 2,
      bytes: one.body.length,
      priority: "normal",
      deadlineAt: 900,
      alone: false,
      arrivedAt: 100,
      decodeUs: 0,
      ownMemory: null,
      parts: [],
      nextRow: 0,
      credit: Number.POSITIVE_INFINITY,
      queueUs: 0,
      runUs: 0,
      encodeUs: 0,
      settled: false,
      trace: null,
    });
  });

  it("chooses the codec that the frame names", () => {
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 2], data: [1, 2] }];
    const work = decode(frame({ id: "mine", inputs }, { codec: "v2" }));
    assert.deepEqual([work.codec, work.request.id], [v2Codec, "mine"]);
  });

  it("gives a stream credit for two chunks", () => {
    const { stream, credit } = decode(frame({ features: [1, 2] }, { stream: true }));
    assert.deepEqual([stream, credit], [true, 2]);
  });

  it("names the inputs of a request where that is asked for", () => {
    const work = decode(frame({ features: [1, 2] }, { alone: true }), plain, {
      fingerprint: () => "print",
    });
    assert.deepEqual([work.fingerprint, work.alone], ["print", true]);
  });

  it("refuses what the model does not take", () => {
    for (const body of [{}, { features: "x" }, { features: [[1, 2, 3]] }, [], null]) {
      assert.throws(() => decode(frame(body)), { code: "invalid-request" });
    }
  });

  it("refuses what is no JSON", () =>
    assert.throws(() => decode(frame(0, { body: Buffer.from("{") })), { code: "invalid-request" }));
});

describe("the key by which requests share a batch", () => {
  function keyOf(body: unknown, served: ServedModel): string | null {
    return decode(frame(body), served).key;
  }

  it("is the same for any number of rows", () => {
    const keys = [
      [[1, 2]],
      [
        [3, 4],
        [5, 6],
      ],
    ].map((features) => keyOf({ features }, plain));
    assert.equal(new Set(keys).size, 1);
  });

  it("is another for other shapes of a row, in any input", () => {
    const one = model([spec("a", [-1, -1]), spec("b", [-1, -1])]);
    const key = (a: number, b: number) =>
      keyOf({ inputs: { a: [new Array(a).fill(0)], b: [new Array(b).fill(0)] } }, one);
    assert.equal(new Set([key(1, 2), key(2, 1), key(1, 1), key(12, 1), key(1, 21)]).size, 5);
  });

  it("does not count the rows where they stand at axis 1", () => {
    const one = model([spec("x", [-1, -1, 2], 1)]);
    const key = (features: unknown) => keyOf({ features }, one);
    const row = [0, 0];
    assert.equal(
      key([[row], [row]]),
      key([
        [row, row],
        [row, row],
      ]),
    );
    assert.notEqual(key([[row], [row]]), key([[row]]));
  });

  it("is another for another value of an input without rows", () => {
    const one = model([spec("x", [-1, 1]), spec("rate", [], null)]);
    const key = (rate: number) => keyOf({ inputs: { x: [[1]], rate } }, one);
    assert.notEqual(key(8_000), key(16_000));
    assert.equal(key(8_000), key(8_000.0));
  });

  it("tells texts apart, however they are cut", () => {
    const one = model([spec("x", [-1, 1]), spec("text", [], null, "BYTES")]);
    const key = (text: string) => keyOf({ inputs: { x: [[1]], text } }, one);
    assert.equal(new Set([key("a"), key("b"), key('"a"'), key("a,b")]).size, 4);
  });

  it("is null for a model whose requests share with none", () => {
    const batchings: readonly Batching[] = [
      { type: "unbatched", reason: "" },
      { type: "one-by-one", reason: "" },
    ];
    for (const batching of batchings) {
      const one = model([spec("x", [1, 2])], batching);
      assert.equal(keyOf({ features: [[1, 2]] }, one), null);
    }
  });
});

/** Takes windows of four samples, each two after the last, and remembers `h`. */
const stateful = servedModel(
  {
    inputs: [spec("h", [-1, 2]), spec("x", [-1, 4])],
    outputs: [spec("y", [-1, 1]), spec("hn", [-1, 2])],
    batching: batched,
    notServable: [],
    externalFiles: [],
    state: [{ input: 0, output: 1, found: false }],
    stream: { input: 1, window: 4, hop: 2, pad: "zeros" },
  },
  [fp32([1, 2], [0, 0]), null],
);

function sequence(signal: Signal | null = null): Sequence {
  return new Sequence("k", door, { isShared: false, signal, now: 0 });
}

function v2(...outputs: readonly string[]): RequestFrame {
  const inputs = [{ name: "x", datatype: "FP32", shape: [1, 4], data: [1, 2, 3, 4] }];
  return frame({ inputs, outputs: outputs.map((name) => ({ name })) }, { codec: "v2" });
}

describe("decodeWork of a frame", () => {
  const x = [1, 2, 3, 4];

  it("is one of its sequence's, and stands in its lane", () => {
    const mine = sequence();
    const work = decode(frame({ features: x }), stateful, { sequence: mine });
    assert.deepEqual([work.sequence === mine, work.lane === mine.lane], [true, true]);
    assert.deepEqual(
      [work.request.inputs, work.rows, work.signal, work.stream],
      [[fp32([1, 2], [0, 0]), fp32([1, 4], x)], 1, null, false],
    );
  });

  it("has the key that the state of its sequence gives", () => {
    const one = servedModel(
      { ...stateful.metadata, inputs: [spec("h", [-1, -1]), spec("x", [-1, 4])] },
      [fp32([1, 0]), null],
    );
    const mine = sequence();
    const keys = [3, 4].map((length) => {
      mine.state = [fp32([1, length])];
      return decode(frame({ features: x }), one, { sequence: mine }).key;
    });
    assert.deepEqual(keys, ["|3,|4,", "|4,|4,"]);
  });

  it("may ask for the outputs that are answers", () =>
    assert.deepEqual(decode(v2("y"), stateful, { sequence: sequence() }).request.outputs, [0]));

  const refused: readonly (readonly [string, RequestFrame, string])[] = [
    [
      "has several rows",
      frame({ features: [x, x] }),
      "Cannot read frame: expected one row in a sequence, got 2",
    ],
    [
      "brings its state",
      frame({ inputs: { h: [[1, 2]], x: [x] } }),
      "Cannot read frame: the state of a sequence stays in the server, got input 'h'",
    ],
    [
      "asks for its state",
      v2("y", "hn"),
      "Cannot read frame: the state of a sequence stays in the server, got output 'hn'",
    ],
    [
      "brings its state beside samples",
      frame({ samples: [1], inputs: { h: [[1, 2]] } }),
      "Cannot read samples: the state is the server's, got ['h'] in 'inputs'",
    ],
  ];
  for (const [name, one, message] of refused) {
    it(`refuses one that ${name}`, () => {
      const options = { sequence: sequence(newSignal()) };
      assert.throws(() => decode(one, stateful, options), { code: "invalid-request", message });
    });
  }

  it("takes from a request that stands for itself what it refuses of a frame", () => {
    const several = decode(frame({ features: [x, x] }), stateful);
    const brought = decode(frame({ inputs: { h: [[1, 2]], x: [x] } }), stateful);
    const asked = decode(v2("y", "hn"), stateful);
    assert.deepEqual(
      [several.rows, brought.request.bringsState, asked.request.outputs],
      [2, true, [0, 1]],
    );
  });
});

/** A signal before its first sample: two zeros stand in front of it. */
function newSignal(): Signal {
  return { carried: Float32Array.of(0, 0), position: 0 };
}

function windowsOf({ signal }: Work): readonly Tensor[] {
  assert.ok(signal !== null);
  return Array.from({ length: signal.count }, (_, row) => signal.windowAt(row));
}

describe("decodeWork of samples", () => {
  const piece = frame({ samples: [1, 2, 3, 4, 5] });
  const message = "Cannot read samples: they belong to a sequence, send them over a WebSocket";

  it("cuts them into windows, and says where these stand", () => {
    const work = decode(piece, stateful, { sequence: sequence({ ...newSignal(), position: 6 }) });
    assert.deepEqual(
      windowsOf(work).map((window) => [window.shape, numbersOf(window)]),
      [
        [
          [1, 4],
          [0, 0, 1, 2],
        ],
        [
          [1, 4],
          [1, 2, 3, 4],
        ],
      ],
    );
    assert.deepEqual([work.rows, work.signal?.position, work.signal?.hop], [2, 6, 2]);
    assert.deepEqual(work.signal?.signal, { carried: Float32Array.of(3, 4, 5), position: 10 });
  });

  it("leaves the sequence as it is", () => {
    const mine = sequence(newSignal());
    decode(piece, stateful, { sequence: mine });
    assert.deepEqual(mine.signal, newSignal());
  });

  it("answers them in chunks, with credit for two, whether the frame says so or not", () => {
    const works = [false, true].map((stream) =>
      decode({ ...piece, stream }, stateful, { sequence: sequence(newSignal()) }),
    );
    assert.deepEqual(
      works.map(({ stream, credit }) => [stream, credit]),
      Array(2).fill([true, 2]),
    );
  });

  it("has no rows where they make no window whole", () => {
    const one = frame({ samples: [1] });
    const work = decode(one, stateful, { sequence: sequence(newSignal()) });
    assert.deepEqual([work.rows, windowsOf(work)], [0, []]);
    assert.deepEqual(work.signal?.signal, { carried: Float32Array.of(0, 0, 1), position: 0 });
  });

  for (const [codec, body] of [
    ["int16", Int16Array.of(-32_768, 16_384)],
    ["int32", Int32Array.of(-(2 ** 31), 2 ** 30)],
    ["float32", Float32Array.of(-1, 0.5)],
  ] as const) {
    it(`reads them bare, as ${codec}`, () => {
      const bytes = Buffer.from(body.buffer);
      const one = frame(0, { codec, body: bytes });
      const work = decode(one, stateful, { sequence: sequence(newSignal()) });
      assert.deepEqual(windowsOf(work).map(numbersOf), [[0, 0, -1, 0.5]]);
    });
  }

  it("counts what they take in memory, with those before them, where that is more", () => {
    const int16 = frame(0, { codec: "int16", body: Buffer.alloc(20) });
    const works = [int16, piece].map((one) =>
      decode(one, stateful, { sequence: sequence(newSignal()) }),
    );
    assert.deepEqual(
      works.map(({ bytes }) => bytes),
      [4 * (2 + 10), Math.max(piece.body.length, 4 * (2 + 5))],
    );
  });

  it("refuses them outside a sequence", () =>
    assert.throws(() => decode(piece, stateful), { code: "invalid-request", message }));

  it("refuses them for a model that takes none", () =>
    assert.throws(() => decode(piece, plain, { sequence: sequence() }), {
      code: "invalid-request",
      message: "Cannot read samples: model 'm' takes tensors, its model.yaml has no 'stream'",
    }));
});

describe("decodeWork of a V2 request", () => {
  const inputs = [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }];
  const work = (parameters: object, fields: Partial<RequestFrame> = {}) =>
    decode(frame({ inputs, parameters }, { codec: "v2", ...fields }));

  it("ends at the sooner of two deadlines: the client's timeout counts from here on", () => {
    const deadlines = [{}, { timeout: 250_000 }, { timeout: 900_000 }].map(
      (parameters) => work(parameters).deadlineAt,
    );
    assert.deepEqual(deadlines, [900, 350, 900]);
  });

  it("has the lower of two priorities", () => {
    const low = { priority: "low" } as const;
    const found = [
      work({}),
      work({ priority: 1 }),
      work({ priority: 2 }),
      work({}, low),
      work({ priority: 1 }, low),
    ].map(({ priority }) => priority);
    assert.deepEqual(found, ["normal", "normal", "low", "low", "low"]);
  });
});

describe("decodeWork of a binary request", () => {
  const x = { name: "x", shape: [1, 2], datatype: "FP32", parameters: { binary_data_size: 8 } };
  const json = Buffer.from(JSON.stringify({ inputs: [x] }));
  const tensors = Buffer.from(Float32Array.of(1, 2).buffer);
  const body = Buffer.concat([lengthPrefix(json.length), json, tensors]);

  /** As it comes over the data channel, in memory of its own or not. */
  function received(behind: number): RequestFrame {
    const writer = new FrameWriter();
    writeRequest(writer, asWritten(frame({}, { codec: "v2-binary", body })));
    const bytes = Buffer.concat(writer.take()).subarray(4);
    const memory = new Uint8Array(behind + bytes.length);
    memory.set(bytes, behind);
    const parsed = parseDoorFrame(Buffer.from(memory.buffer, behind));
    assert.ok(parsed?.type === "request");
    return parsed;
  }

  function read(one: RequestFrame): Work & { readonly data: Float32Array } {
    const work = decode(one);
    const [tensor] = work.request.inputs;
    return Object.assign(work, { data: tensor?.data as Float32Array });
  }

  it("reads its tensors where the frame lies, and may give that memory away", () => {
    const one = received(0);
    const { data, ownMemory } = read(one);
    assert.deepEqual(data, Float32Array.of(1, 2));
    assert.ok(one.ownMemory !== undefined);
    assert.deepEqual([data.buffer === one.ownMemory, ownMemory], [true, one.ownMemory]);
  });

  it("keeps memory that holds other frames too", () => {
    const one = received(8);
    const { data, ownMemory } = read(one);
    assert.deepEqual([data.buffer === one.body.buffer, ownMemory], [true, null]);
  });

  it("copies what is not aligned", () => {
    const one = received(1);
    const { data, ownMemory } = read(one);
    assert.deepEqual([data.buffer === one.body.buffer, ownMemory], [false, null]);
    assert.deepEqual(data, Float32Array.of(1, 2));
  });

  it("has no memory to give away where its tensors are in JSON", () => {
    const one = frame({ features: [1, 2] });
    assert.equal(decode({ ...one, ownMemory: new ArrayBuffer(8) }).ownMemory, null);
  });
});
