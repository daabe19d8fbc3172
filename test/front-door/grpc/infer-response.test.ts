import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inferResponse } from "../../../src/front-door/grpc/infer-response.ts";

function answer(json: unknown, tensors: Buffer) {
  const head = Buffer.from(JSON.stringify(json));
  const jsonBytes = tensors.length === 0 ? 0 : head.length;
  return { jsonBytes, body: Buffer.concat([head, tensors]) };
}

function output(name: string, size: number) {
  return { name, datatype: "UINT8", shape: [size], parameters: { binary_data_size: size } };
}

const head = { id: "made-up", model_name: "m", model_version: "1" };

describe("inferResponse", () => {
  it("has the outputs' bytes apart, and the client's own id", () => {
    const json = {
      ...head,
      parameters: { first_row: 3, warnings: ["w"] },
      outputs: [output("a", 2), output("b", 0), output("c", 1)],
    };
    assert.deepEqual(inferResponse(answer(json, Buffer.of(1, 2, 3)), "", { last: true }), {
      model_name: "m",
      model_version: "1",
      id: "",
      parameters: {
        first_row: { int64_param: 3 },
        warnings: { string_param: '["w"]' },
        last: { bool_param: true },
      },
      outputs: [
        { name: "a", datatype: "UINT8", shape: [2] },
        { name: "b", datatype: "UINT8", shape: [0] },
        { name: "c", datatype: "UINT8", shape: [1] },
      ],
      raw_output_contents: [Buffer.of(1, 2), Buffer.of(), Buffer.of(3)],
    });
  });

  it("takes an answer that is all JSON, as there are no bytes", () => {
    const json = { ...head, outputs: [{ ...output("a", 0), data: [] }] };
    const { raw_output_contents } = inferResponse(answer(json, Buffer.alloc(0)), "7");
    assert.deepEqual(raw_output_contents, [Buffer.of()]);
  });

  const hostile: readonly (readonly [string, unknown, Buffer])[] = [
    ["more bytes than it says", { ...head, outputs: [output("a", 1)] }, Buffer.of(1, 2)],
    ["fewer", { ...head, outputs: [output("a", 3)] }, Buffer.of(1, 2)],
    ["a size below zero", { ...head, outputs: [output("a", -1)] }, Buffer.of(1)],
    ["no outputs", head, Buffer.of(1)],
    ["no object", [], Buffer.of(1)],
  ];
  for (const [what, json, tensors] of hostile) {
    it(`throws where a host answers with ${what}`, () =>
      assert.throws(() => inferResponse(answer(json, tensors), ""), { code: "internal" }));
  }
});
