import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writeTensorFrame } from "../../src/client/binary-frames.ts";
import {
  readFrame,
  type StreamedModel,
  type StreamRequest,
  writeRequest,
} from "../../src/client/stream-frames.ts";

const model: StreamedModel = { isStateful: false, outputs: ["y", "z"], takesBinary: true };
const tensors = { x: { data: new Float32Array([0.5, Number.NaN]), shape: [1, 2] } };

function split(message: string | Uint8Array) {
  const bytes = Buffer.from(message as Uint8Array);
  const tensorsAt = 4 + bytes.readUInt32LE(0);
  return {
    head: JSON.parse(bytes.subarray(4, tensorsAt).toString("utf8")) as object,
    data: bytes.subarray(tensorsAt),
  };
}

describe("writeRequest", () => {
  for (const [what, request, fields] of [
    ["rows", { features: new Float32Array([1]) }, { features: [1] }],
    ["inputs by name", { inputs: { x: [[1n]] } }, { inputs: { x: [["1"]] } }],
    ["samples", { samples: new Int16Array(1) }, { samples: "AAA=", encoding: "int16" }],
    [
      "what it is asked for with",
      { features: [1], timeoutMs: 5, priority: "low", stream: true },
      { features: [1], timeout_ms: 5, priority: "low", stream: true },
    ],
  ] as readonly (readonly [string, StreamRequest, object])[]) {
    it(`writes ${what} as text`, () => {
      const message = JSON.parse(String(writeRequest(7, request, model))) as object;
      assert.deepEqual(message, { type: "infer", id: 7, ...fields });
    });
  }

  it("keeps its own id and type whatever a request from a file says", () => {
    const request = { features: [1], id: 9, type: "end" } as StreamRequest;
    assert.deepEqual(JSON.parse(String(writeRequest(7, request, model))), {
      type: "infer",
      id: 7,
      features: [1],
    });
  });

  it("keeps the sign of zero", () => {
    const request = { inputs: { x: [[-0, 1]] }, priority: "low" } as const;
    const message = JSON.parse(String(writeRequest(7, request, model))) as typeof request;
    assert.deepEqual(message, { type: "infer", id: 7, ...request });
  });

  it("writes tensors in binary, and asks for all outputs, or those that are named", () => {
    const { head, data } = split(writeRequest(7, { tensors, timeoutMs: 5 }, model));
    const wanted = (name: string) => ({ name, parameters: { binary_data: true } });
    assert.deepEqual(head, {
      type: "infer",
      id: 7,
      timeout_ms: 5,
      inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], parameters: { binary_data_size: 8 } }],
      outputs: [wanted("y"), wanted("z")],
    });
    assert.equal(data.length, 8);
    const named = split(writeRequest(7, { tensors, outputs: ["z"] }, model)).head;
    assert.deepEqual((named as { outputs: unknown }).outputs, [wanted("z")]);
  });

  it("refuses tensors where the server takes none in binary", () => {
    const refusing = { ...model, takesBinary: false };
    assert.throws(() => writeRequest(7, { tensors }, refusing), { code: "not-implemented" });
  });
});

describe("readFrame", () => {
  it("reads texts, and nothing from what is no JSON", () => {
    assert.deepEqual(readFrame('{"type":"done"}'), { type: "done" });
    assert.equal(readFrame("nope"), undefined);
  });

  it("reads tensors by name", () => {
    const x = { datatype: "FP32", ...tensors.x } as const;
    const written = split(writeTensorFrame({ inputs: { x }, outputs: [], fields: {} }));
    const { inputs } = written.head as { readonly inputs: readonly object[] };
    const json = Buffer.from(JSON.stringify({ type: "done", id: 7, outputs: inputs }));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    const frame = new Uint8Array(Buffer.concat([length, json, written.data]));
    assert.deepEqual(readFrame(frame), { type: "done", id: 7, tensors: { x } });
  });

  it("reads tensors without any bytes, which come as a text", () => {
    const parameters = { binary_data_size: 0 };
    const y = { name: "y", datatype: "FP32", shape: [0, 2], parameters };
    assert.deepEqual(readFrame(JSON.stringify({ type: "done", id: 7, outputs: [y] })), {
      type: "done",
      id: 7,
      tensors: { y: { datatype: "FP32", shape: [0, 2], data: new Float32Array(0) } },
    });
  });
});
