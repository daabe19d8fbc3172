// What the codecs are measured with: a picture and a row of iris, in each form in which they cross the wire, each beside
// what a user would write with JSON.parse and JSON.stringify.
import { readInferRequest } from "../src/front-door/grpc/infer-request.ts";
import { lengthPrefix } from "../src/protocol/binary-body.ts";
import type { AnswerBody } from "../src/protocol/host-frames.ts";
import type { Codec, DecodedRequest, OutputForm, ServedModel } from "../src/tensors/codec.ts";
import { predictCodec } from "../src/tensors/predict-codec.ts";
import { product } from "../src/tensors/shapes.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import { v2BinaryCodec, v2Codec } from "../src/tensors/v2-codec.ts";

export interface CodecWork {
  readonly name: string;
  /** On the wire. */
  readonly bytes: number;
  /** How often one measurement does it. */
  readonly times: number;
  readonly troupe: () => unknown;
  /** Null where JSON has nothing like it. */
  readonly rival: (() => unknown) | null;
}

const picture = [1, 3, 240, 320] as const;
const row = [1, 4] as const;

function modelOf(shape: readonly number[]): ServedModel {
  const dims = [-1, ...shape.slice(1)];
  const spec = (name: string) => ({ name, datatype: "FP32", shape: dims, batchAxis: 0 }) as const;
  const metadata = {
    inputs: [spec("x")],
    outputs: [spec("y")],
    batching: { type: "batched", maxBatchSize: 8 },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  } as const;
  return { name: "m", version: "1", labels: [], metadata, standIns: [null] };
}

/** Evenly spread from 0 to 1. */
function floatsOf(shape: readonly number[]): Float32Array {
  return Float32Array.from(
    { length: product(shape) },
    (_, i) => ((i * 7_919 + 4_001) % 65_521) / 65_521,
  );
}

type Nested = number | readonly Nested[];

function nest(values: readonly number[], shape: readonly number[]): Nested {
  const [size = 0, ...inner] = shape;
  if (inner.length === 0) return values;
  const stride = product(inner);
  return Array.from({ length: size }, (_, i) =>
    nest(values.slice(i * stride, (i + 1) * stride), inner),
  );
}

/** A list goes into a typed array as a whole, which is the fastest way there. */
function flatten(value: Nested, into: Float32Array, at: number): number {
  const lists = value as readonly Nested[];
  if (!Array.isArray(lists[0])) {
    into.set(lists as readonly number[], at);
    return at + lists.length;
  }
  let end = at;
  for (const list of lists) end = flatten(list, into, end);
  return end;
}

function parseAndFlatten(body: Buffer): Float32Array {
  const { inputs } = JSON.parse(body.toString()) as {
    readonly inputs: [{ shape: number[]; data: Nested }];
  };
  const [{ shape, data }] = inputs;
  const floats = new Float32Array(product(shape));
  flatten(data, floats, 0);
  return floats;
}

interface Incoming {
  readonly name: string;
  readonly shape: readonly number[];
  readonly times: number;
  /** Of each number; as many as a float takes where undefined. */
  readonly digits?: number;
  readonly nested?: boolean;
}

function jsonIn({ name, shape, times, digits, nested = false }: Incoming): CodecWork {
  const exact = Array.from(floatsOf(shape));
  const values = digits === undefined ? exact : exact.map((x) => Number(x.toPrecision(digits)));
  const data = nested ? nest(values, shape) : values;
  const entry = { name: "x", datatype: "FP32", shape, data };
  const body = Buffer.from(JSON.stringify({ inputs: [entry] }));
  return {
    name,
    bytes: body.length,
    times,
    troupe: decoding(v2Codec, body, shape),
    rival: () => parseAndFlatten(body),
  };
}

function tinyIn(): CodecWork {
  const body = Buffer.from(JSON.stringify({ features: [5.1, 3.5, 1.4, 0.2] }));
  const rival = () =>
    new Float32Array((JSON.parse(body.toString()) as { readonly features: number[] }).features);
  const troupe = decoding(predictCodec, body, row);
  return { name: "JSON in, iris", bytes: body.length, times: 5_000, troupe, rival };
}

function decoding(codec: Codec, body: Buffer, shape: readonly number[]): () => DecodedRequest {
  const model = modelOf(shape);
  return () => codec.decode(body, model);
}

/** With the tensor at a multiple of four bytes, or one byte behind it. */
function binaryIn(name: string, isAligned: boolean): CodecWork {
  const floats = floatsOf(picture);
  const parameters = { binary_data_size: floats.byteLength };
  const entry = { name: "x", datatype: "FP32", shape: picture, parameters };
  const json = JSON.stringify({ inputs: [entry] });
  const padded = json.padEnd(Math.ceil(json.length / 4) * 4 + (isAligned ? 0 : 1));
  const body = Buffer.from(
    Buffer.concat([lengthPrefix(padded.length), Buffer.from(padded), bytesOf(floats)]),
  );
  const troupe = decoding(v2BinaryCodec, body, picture);
  return { name, bytes: body.length, times: isAligned ? 2_000 : 20, troupe, rival: null };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function encoding(shape: readonly number[], codec: Codec, form?: OutputForm): () => AnswerBody {
  const model = modelOf(shape);
  const output: Tensor = { datatype: "FP32", shape, data: floatsOf(shape) };
  const request: DecodedRequest = {
    inputs: [],
    rows: 1,
    outputs: [0],
    ...(form === undefined ? {} : { forms: [form] }),
    id: "a",
    bringsState: false,
    isSignal: false,
  };
  return () => codec.encode({ request, requestId: "a", outputs: [output] }, model);
}

function jsonOut(name: string, shape: readonly number[], times: number): CodecWork {
  const troupe = encoding(shape, v2Codec);
  const data = floatsOf(shape);
  const entry = { name: "y", datatype: "FP32", shape };
  const rival = () =>
    Buffer.from(
      JSON.stringify({
        id: "a",
        model_name: "m",
        model_version: "1",
        outputs: [{ ...entry, data: Array.from(data) }],
      }),
    );
  return { name, bytes: troupe().json.length, times, troupe, rival };
}

function binaryOut(): CodecWork {
  const troupe = encoding(picture, v2Codec, { isBinary: true, classes: null });
  const { json, tensors } = troupe();
  const bytes = tensors.reduce((sum, { length }) => sum + length, json.length);
  return { name: "binary out", bytes, times: 2_000, troupe, rival: null };
}

/** A field of a protobuf message whose content has its length before it. */
function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return Buffer.of(...bytes, rest);
}

/** Both what the front door does, from the message to the frame's body, and what the host does with that. */
function grpcRaw(): CodecWork {
  const text = (number: number, value: string) => field(number, Buffer.from(value));
  const shape = field(3, Buffer.concat(picture.map(varint)));
  const input = field(5, Buffer.concat([text(1, "x"), text(2, "FP32"), shape]));
  const message = Buffer.concat([text(1, "m"), input, field(7, bytesOf(floatsOf(picture)))]);
  const model = modelOf(picture);
  const troupe = () => v2BinaryCodec.decode(readInferRequest(message, 2 ** 26).body, model);
  return { name: "gRPC raw in", bytes: message.length, times: 20, troupe, rival: null };
}

export const codecWorks: readonly CodecWork[] = [
  jsonIn({ name: "JSON in, flat", shape: picture, times: 2 }),
  jsonIn({ name: "JSON in, nested", shape: picture, times: 2, nested: true }),
  jsonIn({ name: "JSON in, seven digits, flat", shape: picture, times: 2, digits: 7 }),
  jsonIn({
    name: "JSON in, seven digits, nested",
    shape: picture,
    times: 2,
    digits: 7,
    nested: true,
  }),
  tinyIn(),
  jsonOut("JSON out", picture, 2),
  jsonOut("JSON out, iris", row, 5_000),
  binaryIn("binary in, aligned", true),
  binaryIn("binary in, copied", false),
  binaryOut(),
  grpcRaw(),
];
