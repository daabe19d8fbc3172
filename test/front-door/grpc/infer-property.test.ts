import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { encode } from "../../../src/front-door/grpc/definitions.ts";
import { readInferRequest } from "../../../src/front-door/grpc/infer-request.ts";
import { inferResponse } from "../../../src/front-door/grpc/infer-response.ts";
import { loadProto } from "../../../src/front-door/grpc/proto-files.ts";
import { writeBinary } from "../../../src/tensors/binary-elements.ts";
import type { Tensor } from "../../../src/tensors/tensor.ts";
import { v2BinaryCodec, v2ContentsCodec } from "../../../src/tensors/v2-codec.ts";
import { answerWith, assertSame, modelOf, someTensors } from "../../tensors/any-tensor.ts";
import { contentsOf, elementsOf, typedDatatypes } from "../../tensors/tensor-contents.ts";

const root = loadProto("inference.proto");
const requestType = root.lookupType("inference.ModelInferRequest");
const responseType = root.lookupType("inference.ModelInferResponse");
const runs = { numRuns: 200, includeErrorInReport: true };

function heads(prefix: string, tensors: readonly Tensor[]) {
  return tensors.map(({ datatype, shape }, i) => ({ name: `${prefix}_${i}`, datatype, shape }));
}

function read(message: object) {
  return readInferRequest(encode(requestType, message), 10_000_000);
}

describe("Tensors on their way through gRPC are the same, of any datatype and shape:", () => {
  it("raw ones of a ModelInferRequest", () => {
    const property = fc.property(someTensors(), (tensors) => {
      const { codec, body } = read({
        inputs: heads("in", tensors),
        raw_input_contents: tensors.map(writeBinary),
      });
      assert.equal(codec, "v2-binary");
      assertSame(v2BinaryCodec.decode(body, modelOf(tensors)).inputs, tensors);
    });
    fc.assert(property, runs);
  });

  it("typed contents of a ModelInferRequest", () => {
    const some = someTensors({ types: typedDatatypes, finite: true });
    const property = fc.property(some, (tensors) => {
      const inputs = heads("in", tensors).map((head, i) => {
        const tensor = tensors[i] as Tensor;
        return { ...head, contents: contentsOf(tensor.datatype, elementsOf(tensor)) };
      });
      const { codec, body } = read({ inputs });
      assert.equal(codec, "v2-contents");
      assertSame(v2ContentsCodec.decode(body, modelOf(tensors)).inputs, tensors);
    });
    fc.assert(property, runs);
  });

  it("those of a ModelInferResponse", () => {
    const property = fc.property(someTensors(), fc.string({ unit: "binary" }), (tensors, id) => {
      const inBinary = tensors.map(() => true);
      const { json, tensors: pieces } = v2BinaryCodec.encode(
        answerWith(tensors, inBinary),
        modelOf(tensors),
      );
      const jsonBytes = pieces.length === 0 ? 0 : json.length;
      const body = Buffer.concat([json, ...pieces]);
      const message = encode(responseType, inferResponse({ jsonBytes, body }, id));
      const response = responseType.toObject(responseType.decode(message), {
        longs: Number,
        arrays: true,
        defaults: true,
      });
      assert.equal(response["id"], id);
      const said = response["outputs"].map(({ name, datatype, shape }: Record<string, unknown>) => {
        return { name, datatype, shape };
      });
      assert.deepEqual(said, heads("out", tensors));
      assert.deepEqual(response["raw_output_contents"].map(hex), tensors.map(writeBinary).map(hex));
    });
    fc.assert(property, runs);
  });

  it("parameters of a ModelInferRequest, as JSON has them", () => {
    const value = fc.oneof(
      fc.boolean().map((flag) => ({ said: { bool_param: flag }, read: flag })),
      fc.maxSafeInteger().map((count) => ({ said: { int64_param: count }, read: count })),
      fc.maxSafeNat().map((count) => ({ said: { uint64_param: count }, read: count })),
      fc.string({ unit: "binary" }).map((text) => ({ said: { string_param: text }, read: text })),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        // JSON.stringify writes -0 as 0.
        .map((number) => ({ said: { double_param: number }, read: number + 0 })),
    );
    const name = fc.string({ unit: "binary" }).filter((text) => text !== "binary_data_output");
    const property = fc.property(fc.dictionary(name, value), (parameters) => {
      const entries = Object.entries(parameters);
      const said = Object.fromEntries(entries.map(([key, { said }]) => [key, said]));
      const { json } = read({ parameters: said });
      const read_ = JSON.parse(json.toString()).parameters;
      const expected = Object.fromEntries(entries.map(([key, { read: wanted }]) => [key, wanted]));
      assert.deepEqual(read_, { ...expected, binary_data_output: true });
    });
    fc.assert(property, runs);
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
