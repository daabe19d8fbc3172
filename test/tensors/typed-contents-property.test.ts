import { describe, it } from "node:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import type { Datatype } from "../../src/protocol/model-metadata.ts";
import { readContents } from "../../src/tensors/typed-contents.ts";
import { anyTensor, assertSame } from "./any-tensor.ts";
import { contentsOf, elementsOf, typedDatatypes } from "./tensor-contents.ts";

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => new URL(`../../proto/${target}`, import.meta.url).pathname;
root.loadSync("inference.proto", { keepCase: true });
const contents = root.lookupType("inference.InferTensorContents");

function encode(datatype: Datatype, elements: readonly unknown[]): Uint8Array {
  return contents.encode(contents.fromObject(contentsOf(datatype, elements))).finish();
}

describe("readContents", () => {
  it("reads what protobufjs has written, in one message or in two pieces of it", () => {
    // A NaN's bits are not kept by the number that protobufjs is given.
    const any = anyTensor({ types: typedDatatypes, finite: true });
    const property = fc.property(any, fc.nat(), (tensor, seed) => {
      const { datatype, shape } = tensor;
      const elements = elementsOf(tensor);
      const cut = seed % (elements.length + 1);
      const head = { name: "x", datatype, shape };
      const whole = encode(datatype, elements);
      const pieces = [elements.slice(0, cut), elements.slice(cut)];
      const both = Buffer.concat(pieces.map((piece) => encode(datatype, piece)));
      assertSame([readContents(head, whole), readContents(head, both)], [tensor, tensor]);
    });
    fc.assert(property, { numRuns: 300, includeErrorInReport: true });
  });
});
