import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeWork } from "../../model-host/decoding.ts";
import type { RequestFrame } from "../../src/protocol/frames.ts";
import type { Batching, Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { predictCodec } from "../../src/tensors/predict-codec.ts";
import { v2Codec } from "../../src/tensors/v2-codec.ts";
import { FakeClock } from "../fake-clock.ts";
import { fp32 } from "./fake-engine.ts";
import { FakeDoor } from "./fake-work.ts";

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
  const metadata = { inputs, outputs: [spec("y", [-1, 1])], batching, notServable: [] };
  return { name: "m", version: "1", labels: [], metadata };
}

function frame(body: unknown, fields: Partial<RequestFrame> = {}): RequestFrame {
  return {
    type: "request",
    id: 7,
    codec: "predict",
    alone: false,
    stream: false,
    priority: "normal",
    deadlineAt: 900,
    requestId: "r-7",
    body: Buffer.from(JSON.stringify(body)),
    ...fields,
  };
}

const plain = model([spec("x", [-1, 2])]);
const door = new FakeDoor();

function decode(one: RequestFrame, served = plain, fingerprint?: () => string) {
  return decodeWork(one, door, served, new FakeClock(100), fingerprint);
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
      request: { inputs: [fp32([2, 2], [1, 2, 3, 4])], rows: 2, outputs: [0], id: undefined },
      stream: false,
      fingerprint: null,
      key: "|2,",
      rows: 2,
      bytes: one.body.length,
      priority: "normal",
      deadlineAt: 900,
      alone: false,
      arrivedAt: 100,
      decodeUs: 0,
      parts: [],
      nextRow: 0,
      credit: Number.POSITIVE_INFINITY,
      queueUs: 0,
      runUs: 0,
      settled: false,
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
    const work = decode(frame({ features: [1, 2] }, { alone: true }), plain, () => "print");
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
