import { describe, it } from "node:test";
import fc from "fast-check";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";
import type { AnswerBody } from "../../src/protocol/host-frames.ts";
import { datatypes } from "../../src/protocol/model-metadata.ts";
import { writeBinary } from "../../src/tensors/binary-elements.ts";
import { nexusCodec } from "../../src/tensors/nexus-codec.ts";
import { platformCodec } from "../../src/tensors/platform-codec.ts";
import { predictBinaryCodec, predictCodec } from "../../src/tensors/predict-codec.ts";
import { v2BinaryCodec, v2Codec } from "../../src/tensors/v2-codec.ts";
import { v2RawCodec } from "../../src/tensors/v2-raw-codec.ts";
import {
  answerWith,
  anyTensor,
  assertSame,
  jsonDatatypes,
  modelOf,
  someTensors,
} from "./any-tensor.ts";

const runs = { numRuns: 200, includeErrorInReport: true };
const inJson = { types: jsonDatatypes, finite: true };

/** The answer of one model as the request of the next, which calls inputs what the first calls outputs. */
function asRequest({ json, tensors }: AnswerBody): Buffer {
  const text = Buffer.from(json).toString();
  // As text, since JSON.stringify would lose the sign of -0.
  const outputs = text.slice(text.indexOf('"outputs":[') + '"outputs":'.length);
  const inputs = outputs
    .slice(0, outputs.lastIndexOf("]") + 1)
    .replaceAll('"name":"out_', '"name":"in_');
  // FP16 and BF16 could not be answered in JSON.
  const body = Buffer.from(`{"parameters":{"binary_data_output":true},"inputs":${inputs}}`);
  return Buffer.concat([lengthPrefix(body.length), body, ...tensors]);
}

/** The same without the length in front. */
function asJsonRequest(body: AnswerBody): Buffer {
  return asRequest(body).subarray(4);
}

describe("What a codec has written it reads as the same tensors, of any datatype and shape:", () => {
  for (const open of [false, true]) {
    const sizes = open ? "of any size" : "of fixed sizes";

    it(`V2's JSON, ${sizes}`, () => {
      const property = fc.property(someTensors(inJson), (tensors) => {
        const model = modelOf(tensors, { open });
        const body = asJsonRequest(v2Codec.encode(answerWith(tensors), model));
        assertSame(v2Codec.decode(body, model).inputs, tensors);
      });
      fc.assert(property, runs);
    });

    for (const [name, codec] of Object.entries({ v2BinaryCodec, predictBinaryCodec })) {
      it(`${name}, ${sizes}`, () => {
        const property = fc.property(someTensors(), (tensors) => {
          const model = modelOf(tensors, { open });
          const body = asRequest(
            codec.encode(
              answerWith(
                tensors,
                tensors.map(() => true),
              ),
              model,
            ),
          );
          assertSame(codec.decode(body, model).inputs, tensors);
        });
        fc.assert(property, runs);
      });

      it(`${name}, ${sizes}, some tensors in JSON`, () => {
        const mixed = fc.array(fc.tuple(anyTensor(inJson), fc.boolean()), {
          minLength: 1,
          maxLength: 4,
        });
        const property = fc.property(mixed, (pairs) => {
          const tensors = pairs.map(([tensor]) => tensor);
          const model = modelOf(tensors, { open });
          const answer = answerWith(
            tensors,
            pairs.map(([, isBinary]) => isBinary),
          );
          assertSame(codec.decode(asRequest(codec.encode(answer, model)), model).inputs, tensors);
        });
        fc.assert(property, runs);
      });
    }
  }

  it("Troupe's own JSON, whose nesting is the shape", () => {
    const property = fc.property(anyTensor(inJson), (tensor) => {
      const model = modelOf([tensor]);
      const text = Buffer.from(predictCodec.encode(answerWith([tensor]), model).json).toString();
      const nested = text.slice(
        text.indexOf('"predictions":') + 14,
        text.lastIndexOf(',"request_id"'),
      );
      const body = Buffer.from(`{"features":${nested}}`);
      assertSame(predictCodec.decode(body, model).inputs, [tensor]);
      const byName = Buffer.from(`{"inputs":{"in_0":${nested}}}`);
      assertSame(predictCodec.decode(byName, model).inputs, [tensor]);
    });
    fc.assert(property, runs);
  });

  it("the AI Backend's JSON, and Model-Nexus's, whose rows are flat", () => {
    const shape = fc.nat({ max: 40 }).map((size) => [1, size]);
    const property = fc.property(anyTensor({ ...inJson, shape }), (tensor) => {
      const model = modelOf([tensor]);
      const answer = answerWith([tensor]);
      const platform = Buffer.from(platformCodec.encode(answer, model).json).toString();
      const rows = platform.slice('{"predictions":'.length, platform.lastIndexOf("}"));
      const decoded = platformCodec.decode(Buffer.from(`{"features":${rows}}`), model);
      assertSame(decoded.inputs, [tensor]);
      const nexus = Buffer.from(nexusCodec.encode(answer, model).json).toString();
      const from = nexus.indexOf('"prediction":') + 13;
      const confidenceAt = nexus.lastIndexOf(',"confidence":');
      const row = nexus.slice(from, confidenceAt < 0 ? nexus.lastIndexOf("}") : confidenceAt);
      const read = nexusCodec.decode(Buffer.from(`{"features":${row}}`), model);
      assertSame(read.inputs, [tensor]);
    });
    fc.assert(property, runs);
  });

  it("a raw body, which is the one input's bytes", () => {
    const types = datatypes.filter((type) => type !== "BYTES");
    const property = fc.property(anyTensor({ types }), fc.nat(), (tensor, seed) => {
      const model = modelOf([tensor]);
      assertSame(v2RawCodec.decode(writeBinary(tensor), model).inputs, [tensor]);
      // One open size is told by the number of bytes, unless another is zero.
      const axis = seed % Math.max(tensor.shape.length, 1);
      if (tensor.shape.length === 0 || tensor.shape.toSpliced(axis, 1).includes(0)) return;
      const open = modelOf([{ ...tensor, shape: tensor.shape.with(axis, -1) }]);
      assertSame(v2RawCodec.decode(writeBinary(tensor), open).inputs, [tensor]);
    });
    fc.assert(property, runs);
  });

  it("a raw body that is one string", () => {
    const shape = fc.array(fc.constant(1), { maxLength: 8 });
    const property = fc.property(anyTensor({ types: ["BYTES"], shape }), (tensor) => {
      const [text] = tensor.data as readonly string[];
      assertSame(v2RawCodec.decode(Buffer.from(text ?? ""), modelOf([tensor])).inputs, [tensor]);
      assertSame(
        v2RawCodec.decode(Buffer.from(text ?? ""), modelOf([tensor], { open: true })).inputs,
        [tensor],
      );
    });
    fc.assert(property, runs);
  });
});
