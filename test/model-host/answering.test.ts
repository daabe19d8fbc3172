import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerWork } from "../../model-host/answering.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import type { Work } from "../../model-host/work.ts";
import type { ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { fp32 } from "./fake-engine.ts";
import { FakeDoor, fakeWork, servedModel, type WorkFields } from "./fake-work.ts";

function metadata(batchAxis: number | null, shape: readonly number[]): ModelMetadata {
  const y: TensorSpec = { name: "y", datatype: "FP32", shape, batchAxis };
  const batching = { type: "batched", maxBatchSize: 2 } as const;
  return {
    inputs: [],
    outputs: [y],
    batching,
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  };
}

const atFirst = metadata(0, [-1, 2]);

function setUp(fields: WorkFields, of: ModelMetadata = atFirst) {
  const door = new FakeDoor();
  const work = fakeWork({ door, ...fields });
  const model = servedModel(of);
  const answer = (fromRow: number, rows: number, output: Tensor) =>
    answerWork({ work, fromRow, rows }, [output], model, of, createHostMetrics("m", "1"));
  return { door, work, answer };
}

function said({ door }: { readonly door: FakeDoor }): unknown {
  return door.said.map((one) => {
    if (one.type !== "done" && one.type !== "chunk") return one;
    const { request_id, model, version, ...rest } = one.body as Record<string, unknown>;
    assert.deepEqual([request_id, model, version], ["r", "m", "1"]);
    return { ...one, body: rest };
  });
}

describe("answerWork", () => {
  it("answers a request that ran whole, at once", () => {
    const parts = setUp({ rows: 2 });
    const isWhole = parts.answer(0, 2, fp32([2, 2]));
    const body = {
      predictions: [
        [0, 1],
        [2, 3],
      ],
    };
    assert.deepEqual([isWhole, said(parts)], [true, [{ type: "done", id: 1, rows: 2, body }]]);
  });

  it("answers a request that ran in slices when the last is there, whole and in order", () => {
    const parts = setUp({ rows: 5 });
    const whole = [
      parts.answer(0, 2, fp32([2, 2], [1, 2, 3, 4])),
      parts.answer(2, 2, fp32([2, 2], [5, 6, 7, 8])),
      parts.answer(4, 1, fp32([1, 2], [9, 10])),
    ];
    const predictions = [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
      [9, 10],
    ];
    assert.deepEqual(
      [whole, said(parts)],
      [[false, false, true], [{ type: "done", id: 1, rows: 5, body: { predictions } }]],
    );
  });

  it("joins slices along the axis where rows stand", () => {
    const parts = setUp({ rows: 3 }, metadata(1, [2, -1]));
    parts.answer(0, 2, fp32([2, 2], [1, 2, 4, 5]));
    parts.answer(2, 1, fp32([2, 1], [3, 6]));
    const body = {
      predictions: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    };
    assert.deepEqual(said(parts), [{ type: "done", id: 1, rows: 3, body }]);
  });

  it("streams each slice at once, and then says that this was all", () => {
    const parts = setUp({ rows: 3, stream: true });
    const whole = [parts.answer(0, 2, fp32([2, 2])), parts.answer(2, 1, fp32([1, 2]))];
    assert.deepEqual(
      [whole, said(parts)],
      [
        [false, true],
        [
          {
            type: "chunk",
            id: 1,
            body: {
              first_row: 0,
              predictions: [
                [0, 1],
                [2, 3],
              ],
            },
          },
          { type: "chunk", id: 1, body: { first_row: 2, predictions: [[0, 1]] } },
          { type: "done", id: 1, rows: 3, body: { rows: 3 } },
        ],
      ],
    );
  });

  it("keeps nothing of a stream", () => {
    const { work, answer } = setUp({ rows: 2, stream: true });
    answer(0, 1, fp32([1, 2]));
    assert.deepEqual(work.parts, []);
  });

  it("says how long each stage took", () => {
    const stages: Partial<Work> = { decodeUs: 1, queueUs: 2, runUs: 3 };
    const { door, answer } = setUp({ ...stages, rows: 1 });
    answer(0, 1, fp32([1, 2]));
    const [{ encodeUs, ...others } = { encodeUs: -1 }] = door.stages;
    assert.deepEqual(others, stages);
    assert.ok(encodeUs >= 0);
  });
});
