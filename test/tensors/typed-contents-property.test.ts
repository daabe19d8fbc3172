import { describe, it } from "node:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import { datatypes } from "../../src/protocol/model-metadata.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { readContents } from "../../src/tensors/typed-contents.ts";
import { anyTensor, assertSame } from "./any-tensor.ts";

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => new URL(`../../proto/${target}`, import.meta.url).pathname;
root.loadSync("inference.proto", { keepCase: true });
const contents = root.lookupType("inference.InferTensorContents");

const fieldOf = {
  BOOL: "bool_contents",
  INT8: "int_contents",
  INT16: "int_contents",
  INT32: "int_contents",
  INT64: "int64_contents",
  UINT8: "uint_contents",
  UINT16: "uint_contents",
  UINT32: "uint_contents",
  UINT64: "uint64_contents",
  FP32: "fp32_contents",
  FP64: "fp64_contents",
  BYTES: "bytes_contents",
} as const;

type Typed = keyof typeof fieldOf;
const types = datatypes.filter((type): type is Typed => type in fieldOf);

/** As protobufjs takes them: integers of 64 bits as text, strings as bytes. */
function elementsOf({ datatype, data }: Tensor): readonly unknown[] {
  const elements = Array.from<unknown>(data);
  if (datatype === "BYTES") return elements.map((text) => Buffer.from(String(text)));
  return typeof elements[0] === "bigint" ? elements.map(String) : elements;
}

function encode(datatype: Typed, elements: readonly unknown[]): Uint8Array {
  return contents.encode(contents.fromObject({ [fieldOf[datatype]]: elements })).finish();
}

describe("readContents", () => {
  it("reads what protobufjs has written, in one message or in two pieces of it", () => {
    // A NaN's bits are not kept by the number that protobufjs is given.
    const property = fc.property(anyTensor({ types, finite: true }), fc.nat(), (tensor, seed) => {
      const { datatype, shape } = tensor;
      const elements = elementsOf(tensor);
      const cut = seed % (elements.length + 1);
      const head = { name: "x", datatype, shape };
      const whole = encode(datatype as Typed, elements);
      const pieces = [elements.slice(0, cut), elements.slice(cut)];
      const both = Buffer.concat(pieces.map((piece) => encode(datatype as Typed, piece)));
      assertSame([readContents(head, whole), readContents(head, both)], [tensor, tensor]);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
