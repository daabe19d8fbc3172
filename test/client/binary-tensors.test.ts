import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { binaryCodec } from "../../src/client/binary-tensors.ts";
import { TroupeClientError } from "../../src/client/client-error.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

const tensors: Readonly<Record<string, Tensor>> = {
  f: { datatype: "FP32", shape: [1, 2], data: new Float32Array([0.5, Number.NaN]) },
  flag: { datatype: "BOOL", shape: [1], data: new Uint8Array([1]) },
  i: { datatype: "INT64", shape: [2], data: new BigInt64Array([-1n, 2n ** 60n]) },
  t: { datatype: "BYTES", shape: [2], data: ["ä", ""] },
  h: { datatype: "FP16", shape: [1], data: new Uint16Array([0x3c00]) },
};

interface Head {
  readonly outputs?: readonly object[];
  readonly parameters: object;
  readonly inputs: readonly { readonly name: string; readonly parameters: object }[];
}

function split(written: ReturnType<typeof binaryCodec.write>): {
  readonly head: Head;
  readonly bytes: Uint8Array;
} {
  const body = written.body as Uint8Array;
  const length = Number(written.headers["inference-header-content-length"]);
  const head = JSON.parse(new TextDecoder().decode(body.subarray(0, length))) as Head;
  return { head, bytes: body.subarray(length) };
}

describe("tensors in binary", () => {
  it("are written behind a head that says how long each is", () => {
    const { head, bytes } = split(binaryCodec.write({ inputs: tensors }));
    assert.deepEqual(
      head.inputs.map(({ name, parameters }) => [name, parameters]),
      [
        ["f", { binary_data_size: 8 }],
        ["flag", { binary_data_size: 1 }],
        ["i", { binary_data_size: 16 }],
        ["t", { binary_data_size: 10 }],
        ["h", { binary_data_size: 2 }],
      ],
    );
    assert.deepEqual(head.parameters, { binary_data_output: true });
    assert.equal(bytes.length, 37);
    assert.deepEqual([...bytes.subarray(25, 35)], [2, 0, 0, 0, 0xc3, 0xa4, 0, 0, 0, 0]);
  });

  it("are asked for by name where outputs are named", () => {
    const { head } = split(binaryCodec.write({ inputs: {}, outputs: ["y"] }));
    assert.deepEqual(head.outputs, [{ name: "y", parameters: { binary_data: true } }]);
  });

  it("are only the part of the memory that an array shows", () => {
    const data = new Float32Array([1, 2, 3]).subarray(1, 2);
    const { bytes } = split(
      binaryCodec.write({ inputs: { x: { datatype: "FP32", shape: [1], data } } }),
    );
    assert.deepEqual(new Float32Array(bytes.slice().buffer), new Float32Array([2]));
  });

  it("come back as they went, wherever they lie", () => {
    const { head, bytes } = split(binaryCodec.write({ inputs: tensors }));
    const answer = answerOf({ outputs: head.inputs }, bytes);
    assert.deepEqual(binaryCodec.read(answer).outputs, tensors);
  });

  it("are read beside outputs in JSON", () => {
    const outputs = [{ name: "y", datatype: "INT32", shape: [1], data: [7] }];
    const { y } = binaryCodec.read(answerOf({ outputs }, new Uint8Array())).outputs;
    assert.deepEqual(y?.data, new Int32Array([7]));
  });

  it("are refused where bytes are missing", () => {
    const { head, bytes } = split(binaryCodec.write({ inputs: { f: tensors["f"] as Tensor } }));
    const cut = answerOf({ outputs: head.inputs }, bytes.subarray(0, 5));
    assert.throws(
      () => binaryCodec.read(cut),
      new TroupeClientError("unexpected-answer", "output 'f': expected 8 bytes, got 5"),
    );
  });
});

function answerOf(fields: object, bytes: Uint8Array) {
  const head = Buffer.from(JSON.stringify({ model_name: "m", model_version: "1", ...fields }));
  return {
    status: 200,
    body: new Uint8Array(Buffer.concat([head, bytes])),
    header: (name: string) =>
      name === "inference-header-content-length" ? String(head.length) : null,
  };
}
