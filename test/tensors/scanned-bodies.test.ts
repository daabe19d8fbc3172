/* What is read by scanning must be what JSON.parse makes of the same body, refusals and their texts too. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { Codec, DecodedRequest, ServedModel } from "../../src/tensors/codec.ts";
import { readJsonBody } from "../../src/tensors/json-body.ts";
import { nexusCodec } from "../../src/tensors/nexus-codec.ts";
import { NumberList } from "../../src/tensors/number-list.ts";
import { platformCodec } from "../../src/tensors/platform-codec.ts";
import { predictBinaryCodec, predictCodec } from "../../src/tensors/predict-codec.ts";
import { v2BinaryCodec, v2Codec } from "../../src/tensors/v2-codec.ts";

const rounds = 4_000;

function spec(name: string, datatype: Datatype): TensorSpec {
  return { name, datatype, shape: [-1, 2, 64], batchAxis: 0 };
}

function model(...inputs: TensorSpec[]): ServedModel {
  const metadata = {
    inputs,
    outputs: [spec("y", "FP32")],
    batching: { type: "batched", maxBatchSize: 4 },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  } as const;
  return { name: "m", version: "1", labels: [], metadata, standIns: inputs.map(() => null) };
}

const single = model(spec("x", "FP32"));
const several = model(spec("x", "FP32"), spec("ids", "INT64"), spec("d", "FP64"));

/** Longer than what is not scanned. */
const floats = Array.from({ length: 128 }, (_, i) => Math.fround(Math.sin(i)));
const integers = floats.map((_, i) => i * 1_001 - 5);
const nested = (list: readonly number[]) => [[list.slice(0, 64), list.slice(64)]];
const entry = (name: string, datatype: Datatype, data: unknown) => ({
  name,
  datatype,
  shape: [1, 2, 64],
  data,
});
const x = entry("x", "FP32", floats);
const all = [x, entry("ids", "INT64", integers), entry("d", "FP64", nested(floats))];
const byName = { x: nested(floats), ids: nested(integers), d: nested(floats) };

/** Each codec beside the one that never scans, since binary tensors could follow. */
const predict = [predictCodec, predictBinaryCodec] as const;
const v2 = [v2Codec, v2BinaryCodec] as const;
const seeds: readonly [typeof predict, ServedModel, unknown][] = [
  [predict, single, { features: nested(floats), id: "a" }],
  [predict, single, { features: nested(floats)[0] }],
  [predict, single, { inputs: { x: nested(integers) } }],
  [predict, several, { inputs: byName, parameters: { priority: 1 } }],
  [predict, several, { inputs: all }],
  [v2, single, { id: "q", inputs: [x], outputs: [{ name: "y" }] }],
  [v2, several, { parameters: { priority: 1 }, inputs: all }],
];

const pieces = [
  ...["null", "true", "-1", "0", "1e999", "1e39", "-0", "NaN", "9007199254740993", "2147483649"],
  ...[
    "0.5",
    "01",
    "1.",
    "1e-50",
    '"1"',
    '"__proto__"',
    '"x"',
    '"ids"',
    '"data"',
    '"shape"',
    '"features"',
  ],
  ...['"inputs"', '"parameters"', '"FP16"', '"INT64"', "[]", "{}", "[1]", "[[1],[2]]", " ", "\n"],
  ...[",", ":", "]", "[", "}", "{", "\\", '"', "\0", "ä", "\ufffd", "[".repeat(120)],
  ...[JSON.stringify(floats), JSON.stringify(nested(integers)), JSON.stringify(floats.slice(9))],
];

/** A small linear congruential generator: the same bodies in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|true|false|null|[[\]{},:]/g;

function mutate(text: string, random: (below: number) => number): Buffer {
  const tokens = [...text.matchAll(token)];
  // What is no number is rare, and says most.
  const rare = tokens.filter(([word]) => !/^[-\d,]/.test(word));
  const chosen = random(3) === 0 ? tokens : rare;
  const { index, 0: word } = chosen[random(chosen.length)] as RegExpExecArray;
  const other = rare[random(rare.length)]?.[0] ?? "";
  const piece = pieces[random(pieces.length)] as string;
  const put = [piece, other, "", word + piece, `${piece},${word}`][random(5)] as string;
  const body = Buffer.from(text.slice(0, index) + put + text.slice(index + word.length));
  if (random(20) === 0) body[random(body.length)] = random(256);
  return body;
}

function behindLength(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

function outcome(codec: Codec, body: Buffer, served: ServedModel): DecodedRequest | string {
  try {
    return codec.decode(body, served);
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    return `${thrown.code} ${thrown.message}`;
  }
}

describe("a long body", () => {
  it(`reads as JSON.parse has it, ${rounds} times with a mistake or a change`, () => {
    const random = seeded(5);
    let decoded = 0;
    for (let round = 0; round < rounds; round += 1) {
      const [codecs, served, value] = seeds[round % seeds.length] as (typeof seeds)[number];
      const body = mutate(JSON.stringify(value), random);
      const scanned = outcome(codecs[0], body, served);
      const parsed = outcome(codecs[1], behindLength(body), served);
      assert.deepEqual(scanned, parsed);
      if (typeof scanned !== "string") decoded += 1;
    }
    assert.ok(decoded > rounds / 40 && decoded < rounds, `${decoded}`);
  });

  it("reads as JSON.parse has it where it is as it should be", () => {
    for (const [codecs, served, value] of seeds) {
      const body = Buffer.from(JSON.stringify(value));
      const scanned = outcome(codecs[0], body, served);
      assert.ok(typeof scanned !== "string", String(scanned));
      assert.deepEqual(scanned, outcome(codecs[1], behindLength(body), served));
    }
  });
});

describe("features in a long body", () => {
  const body = Buffer.from(JSON.stringify({ features: nested(floats) }));
  for (const [name, codec] of Object.entries({ nexusCodec, platformCodec })) {
    it(`are the same to ${name} as to Troupe's own`, () => {
      assert.deepEqual(codec.decode(body, single), predictCodec.decode(body, single));
    });
  }
});

describe("readJsonBody", () => {
  const value = { features: nested(floats) };
  const body = Buffer.from(JSON.stringify(value));
  const featuresOf = (json: unknown) => (json as typeof value).features as unknown;

  it("gives long lists as NumberList where the model takes floats", () => {
    assert.ok(readJsonBody(body, single, featuresOf) instanceof NumberList);
    assert.deepEqual(readJsonBody(body, model(spec("x", "INT64")), featuresOf), value.features);
  });

  it("gives a short body as JSON.parse has it", () => {
    const short = { features: integers.slice(0, 80).map((_, i) => i) };
    const text = Buffer.from(JSON.stringify(short));
    assert.deepEqual(readJsonBody(text, single, featuresOf), short.features);
  });

  it("asks again where a NumberList is refused", () => {
    const seen: unknown[] = [];
    const read = (json: unknown) => {
      seen.push(featuresOf(json));
      throw new RangeError("refused");
    };
    assert.throws(() => readJsonBody(body, single, read), RangeError);
    assert.deepEqual(
      seen.map((features) => features instanceof NumberList),
      [true, false],
    );
  });
});
