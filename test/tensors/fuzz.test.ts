import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { Codec, ServedModel } from "../../src/tensors/codec.ts";
import { predictCodec } from "../../src/tensors/predict-codec.ts";
import { product } from "../../src/tensors/shapes.ts";
import { v2Codec } from "../../src/tensors/v2-codec.ts";

const rounds = 20_000;

function spec(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  batchAxis: number | null,
): TensorSpec {
  return { name, datatype, shape, batchAxis };
}

function model(...inputs: TensorSpec[]): ServedModel {
  const outputs = [spec("y", "FP32", [-1], 0), spec("z", "FP32", [-1], 0)];
  const batching = { type: "batched", maxBatchSize: 4 } as const;
  return {
    name: "m",
    version: "1",
    labels: [],
    metadata: {
      inputs,
      outputs,
      batching,
      notServable: [],
      externalFiles: [],
      state: [],
      stream: null,
    },
    standIns: inputs.map(() => null),
  };
}

const single = model(spec("x", "FP32", [-1, 1, 2, 2], 0));
const several = model(
  spec("ids", "INT64", [-1, -1], 0),
  spec("state", "FP32", [2, -1, 3], 1),
  spec("text", "BYTES", [-1, 1], 0),
  spec("on", "BOOL", [], null),
);

const many = model(
  spec("x", "FP32", [-1, 4], 0),
  spec("h", "FP32", [2, -1, 1], 1),
  spec("sr", "INT64", [], null),
);
/** It has z for its state, and takes a signal. */
const remembering: ServedModel = {
  ...many,
  standIns: [
    null,
    { datatype: "FP32", shape: [2, 1, 1], data: new Float32Array(2) },
    { datatype: "INT64", shape: [], data: BigInt64Array.of(16000n) },
  ],
  metadata: {
    ...many.metadata,
    state: [{ input: 1, output: 1, found: false }],
    stream: { input: 0, window: 4, hop: 3, pad: "zeros" },
  },
};

const seeds: [Codec, ServedModel, string][] = [
  [predictCodec, single, '{"features":[1.5,-2e3,0,4]}'],
  [predictCodec, single, '{"features":[[[[1,2],[3,4]]],[[[5,6],[7,8]]]],"parameters":{"a":1}}'],
  [
    predictCodec,
    several,
    '{"inputs":{"ids":[[1,"9223372036854775807"]],"state":[[1,2,3],[4,5,6]],"text":[["a\\u00e4"]],"on":true}}',
  ],
  [
    predictCodec,
    single,
    '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1,2,2],"data":[1,2,3,4]}]}',
  ],
  [
    v2Codec,
    single,
    '{"id":"q","parameters":{"priority":1},"inputs":[{"name":"x","datatype":"FP32","shape":[1,1,2,2],"data":[[1,2],[3,4]]}],"outputs":[{"name":"z","parameters":{"binary_data":false}}]}',
  ],
  [
    v2Codec,
    several,
    '{"inputs":[{"name":"ids","datatype":"INT64","shape":[1,2],"data":[1,2]},{"name":"state","datatype":"FP32","shape":[2,1,3],"data":[1,2,3,4,5,6]},{"name":"text","datatype":"BYTES","shape":[1,1],"data":["a"]},{"name":"on","datatype":"BOOL","shape":[],"data":[false]}]}',
  ],
  [predictCodec, remembering, '{"features":[[1,2,3,4],[5,6,7,8]]}'],
  [predictCodec, remembering, '{"inputs":{"h":[[1],[2]],"x":[1,2,3,4],"sr":8000}}'],
  [predictCodec, remembering, '{"samples":[1,2.5,-3e-2],"inputs":{"sr":8000}}'],
  [predictCodec, remembering, '{"samples":"AAAAQAAA","encoding":"int16"}'],
  [
    v2Codec,
    remembering,
    '{"parameters":{"sequence_id":1},"inputs":[{"name":"h","datatype":"FP32","shape":[2,1,1],"data":[1,2]},{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}],"outputs":[{"name":"z"}]}',
  ],
  [
    v2Codec,
    single,
    '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1,2,2],"parameters":{"binary_data_size":16}}]}',
  ],
];

/** Pieces that are likelier than random bytes to reach the later checks. */
const pieces = [
  '"classification"',
  '"shared_memory_region"',
  "null",
  "true",
  "-1",
  "0",
  "1e999",
  "1e39",
  "-0",
  "NaN",
  "9007199254740993",
  "2147483649",
  "0.5",
  '"1"',
  '"\\ud800"',
  '"__proto__"',
  '"x"',
  '"y"',
  '"data"',
  '"h"',
  '"samples"',
  '"encoding"',
  '"float32"',
  '"AAAA"',
  '"shape"',
  '"FP16"',
  '"BYTES"',
  "[]",
  "{}",
  "[1]",
  "[[1],[2]]",
  '{"length":2}',
  '{"__proto__":[1]}',
  '"parameters":{"binary_data_size":4},',
  '"parameters":{"classification":1},',
  ",",
  ":",
  "]",
  "[",
  "}",
  "{",
  "\\",
  '"',
  "\0",
  "[".repeat(120),
];

/** A small linear congruential generator: the same bodies in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.e+]*|true|false|null|[[\]{},:]/g;

function mutate(text: string, random: (below: number) => number): Buffer {
  let changed = text;
  for (let change = random(3); change >= 0; change -= 1) {
    const tokens = [...changed.matchAll(token)];
    const chosen = tokens[random(tokens.length)];
    const at = chosen?.index ?? 0;
    const end = at + (chosen?.[0].length ?? 0);
    const piece = pieces[random(pieces.length)] as string;
    const other = tokens[random(tokens.length)]?.[0] ?? "";
    const put = [piece, other, "", changed.slice(at, end) + piece][random(4)] as string;
    changed = changed.slice(0, at) + put + changed.slice(end);
  }
  const body = Buffer.from(changed);
  if (random(5) === 0 && body.length > 0) body[random(body.length)] = random(256);
  return body;
}

function outcome(codec: Codec, body: Buffer, served: ServedModel): string {
  try {
    const { inputs, rows, outputs } = codec.decode(body, served);
    assert.deepEqual(
      inputs.map(({ data }) => data.length),
      inputs.map(({ shape }) => product(shape)),
    );
    assert.ok(rows >= 1 && outputs.length >= 1);
    return "decoded";
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    assert.ok(thrown.message.length < 1_000, thrown.message);
    return thrown.code;
  }
}

describe("decode", () => {
  it(`returns or throws a client's error on ${rounds} mutated bodies`, () => {
    const random = seeded(11);
    const seen = new Map<string, number>();
    for (let round = 0; round < rounds; round += 1) {
      const [codec, served, text] = seeds[round % seeds.length] as (typeof seeds)[number];
      const body = mutate(text, random);
      const result = outcome(codec, body, served);
      seen.set(result, (seen.get(result) ?? 0) + 1);
    }
    assert.deepEqual([...seen.keys()].toSorted(), ["decoded", "invalid-request"]);
    assert.equal(({} as Record<string, unknown>)["length"], undefined);
  });

  it("decodes the bodies before they are mutated, all but the binary one", () => {
    assert.deepEqual(
      seeds.map(([codec, served, text]) => outcome(codec, Buffer.from(text), served)),
      [...Array(seeds.length - 1).fill("decoded"), "invalid-request"],
    );
  });
});
