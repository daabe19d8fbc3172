import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Random, seededRandom } from "../../models/random.ts";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import { type Datatype, datatypes } from "../../src/protocol/model-metadata.ts";
import { writeBinary } from "../../src/tensors/binary-elements.ts";
import type { Codec, DecodedRequest, ServedModel } from "../../src/tensors/codec.ts";
import { allocate } from "../../src/tensors/datatypes.ts";
import { predictBinaryCodec } from "../../src/tensors/predict-codec.ts";
import { product } from "../../src/tensors/shapes.ts";
import type { Tensor, TensorData } from "../../src/tensors/tensor.ts";
import { v2BinaryCodec } from "../../src/tensors/v2-codec.ts";
import { v2RawCodec } from "../../src/tensors/v2-raw-codec.ts";

const rounds = 20_000;

/** One input and one output of each datatype that is given; any number of rows of three elements. */
function model(...types: readonly Datatype[]): ServedModel {
  const specs = (prefix: string) =>
    types.map((datatype) => {
      return { name: `${prefix}${datatype}`, datatype, shape: [-1, 3], batchAxis: 0 };
    });
  return {
    name: "m",
    version: "1",
    labels: ["a", "b", "c"],
    metadata: {
      inputs: specs("in_"),
      outputs: specs("out_"),
      batching: { type: "batched", maxBatchSize: 4 },
      notServable: [],
      externalFiles: [],
      state: [],
      stream: null,
    },
    standIns: types.map(() => null),
  };
}

function draw(random: Random, below: number): number {
  return Math.floor(random() * below);
}

function randomTensor(datatype: Datatype, rows: number, random: Random): Tensor {
  const shape = [rows, 3];
  const data = allocate(datatype, product(shape));
  if (!ArrayBuffer.isView(data)) {
    const texts = data.fill("").map(() => "äz".repeat(draw(random, 4)));
    return { datatype, shape, data: texts };
  }
  const bytes = new Uint8Array(data.buffer);
  const values = datatype === "BOOL" ? 2 : 256;
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = draw(random, values);
  return { datatype, shape, data: data as TensorData };
}

function bodyOf(tensors: readonly Tensor[]): Buffer {
  const bytes = tensors.map(writeBinary);
  const inputs = tensors.map(({ datatype, shape }, i) => {
    const parameters = { binary_data_size: bytes[i]?.length };
    return { name: `in_${datatype}`, datatype, shape, parameters };
  });
  const outputs = tensors.map(({ datatype }) => {
    return { name: `out_${datatype}`, parameters: { binary_data: true } };
  });
  const json = Buffer.from(JSON.stringify({ inputs, outputs }));
  return Buffer.concat([lengthPrefix(json.length), json, ...bytes]);
}

type Mutation = (body: Buffer, at: number, random: Random) => Buffer;

const mutations: readonly Mutation[] = [
  (body, at) => body.subarray(0, at),
  (body, at, random) => put(body, at, (body[at] ?? 0) ^ (1 << draw(random, 8))),
  (body, at, random) =>
    Buffer.concat([body.subarray(0, at), Buffer.of(draw(random, 256)), body.subarray(at)]),
  (body, _at, random) => putLength(body, 0, draw(random, body.length + 9)),
  (body, at, random) => putLength(body, at, 2 ** 32 - 1 - draw(random, 9)),
];

function put(body: Buffer, at: number, byte: number): Buffer {
  if (at < body.length) body[at] = byte;
  return body;
}

function putLength(body: Buffer, at: number, length: number): Buffer {
  if (at + 4 <= body.length) body.writeUInt32LE(length, at);
  return body;
}

/** Bits flipped, bytes cut off, put in, or said to be of another length. */
function mutate(body: Buffer, random: Random): Buffer {
  let changed = Buffer.from(body);
  for (let change = draw(random, 3); change >= 0; change -= 1) {
    const mutation = mutations[draw(random, mutations.length)] as Mutation;
    changed = Buffer.from(mutation(changed, draw(random, changed.length + 1), random));
  }
  return changed;
}

function isWhole({ inputs, outputs }: DecodedRequest): boolean {
  return outputs.length > 0 && inputs.every(({ data, shape }) => data.length === product(shape));
}

function outcome(codec: Codec, body: Uint8Array, served: ServedModel): string {
  try {
    assert.ok(isWhole(codec.decode(body, served)));
    return "decoded";
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    assert.ok(thrown.message.length < 1_500, thrown.message);
    return thrown.code;
  }
}

describe("a binary body", () => {
  const served = model(...datatypes);
  const random = seededRandom(5);

  for (const [name, codec] of Object.entries({ v2BinaryCodec, predictBinaryCodec })) {
    it(`is read as it was written, of every datatype, by ${name}`, () => {
      for (let round = 0; round < 200; round += 1) {
        const tensors = datatypes.map((type) => randomTensor(type, 1 + (round % 3), random));
        const request = codec.decode(bodyOf(tensors), served);
        // Bit by bit, since NaN is not NaN.
        assert.deepEqual(
          request.inputs.map(writeBinary).map(hex),
          tensors.map(writeBinary).map(hex),
        );
        const { tensors: written } = codec.encode(
          { request, requestId: "r", outputs: tensors },
          served,
        );
        assert.deepEqual(written.map(hex), tensors.map(writeBinary).map(hex));
      }
    });

    it(`is read or refused by ${name}, whatever ${rounds} mutations make of it`, () => {
      const seen = new Set<string>();
      const bodies = [1, 2].map((rows) =>
        bodyOf(datatypes.map((type) => randomTensor(type, rows, random))),
      );
      for (let round = 0; round < rounds; round += 1) {
        const body = mutate(bodies[round % bodies.length] as Buffer, random);
        seen.add(outcome(codec, body, served));
      }
      // A flipped bit may name what is not built.
      seen.delete("not-implemented");
      assert.deepEqual([...seen].toSorted(), ["decoded", "invalid-request"]);
    });
  }

  for (const type of datatypes) {
    it(`that is raw is read or refused: ${type}`, () => {
      const one = model(type);
      const body = Buffer.from(writeBinary(randomTensor(type, 1, random)));
      const expected = type === "BYTES" ? "invalid-request" : "decoded";
      assert.equal(outcome(v2RawCodec, body, one), expected);
      for (let round = 0; round < 500; round += 1) {
        const result = outcome(v2RawCodec, mutate(body, random), one);
        assert.ok(["decoded", "invalid-request"].includes(result), result);
      }
    });
  }
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
