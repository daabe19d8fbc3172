// Sound requests with binary tensors, in each of the forms that carry them, and the models that answer them.
import { allDatatypesModel, stringsAndIntegersModel } from "../../models/datatype-models.ts";
import { echoModel, freeWidthModel } from "../../models/odd-models.ts";
import { singleStateModel } from "../../models/stateful-models.ts";
import { encode } from "../../src/front-door/grpc/definitions.ts";
import { loadProto } from "../../src/front-door/grpc/proto-files.ts";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";

/** None of them fails for what a request holds, as long as it is well-formed. */
export const hostileModels: Readonly<Record<string, () => Uint8Array>> = {
  all: allDatatypesModel,
  strings: stringsAndIntegersModel,
  echo: echoModel,
  wide: freeWidthModel,
  memory: singleStateModel,
};

export interface Input {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Buffer;
  /** As gRPC has them, typed; absent where there is no field for them. */
  readonly contents?: object;
}

/** A request before it has a form. */
export interface Sound {
  readonly model: string;
  readonly inputs: readonly Input[];
  /** Names; empty for all. */
  readonly outputs: readonly string[];
  /** Of the request; in frames of a WebSocket there are none. */
  readonly parameters?: Readonly<Record<string, boolean | number | string>>;
  /** Of each output that is named only the best so many classes. */
  readonly classes?: number;
}

function floats(name: string, shape: readonly number[], values: readonly number[]): Input {
  const bytes = Buffer.from(Float32Array.from(values).buffer);
  return { name, datatype: "FP32", shape, bytes, contents: { fp32_contents: values } };
}

function texts(name: string, shape: readonly number[], values: readonly string[]): Input {
  const pieces = values.map((value) => Buffer.from(value));
  const bytes = Buffer.concat(pieces.flatMap((piece) => [lengthPrefix(piece.length), piece]));
  return { name, datatype: "BYTES", shape, bytes, contents: { bytes_contents: pieces } };
}

const numbers: Input = {
  name: "number",
  datatype: "INT64",
  shape: [2, 2],
  bytes: Buffer.from(BigInt64Array.of(1n, -2n, 2n ** 62n, 4n).buffer),
  contents: { int64_contents: ["1", "-2", String(2n ** 62n), "4"] },
};

const sizes = { BOOL: 1, UINT8: 1, INT8: 1, UINT16: 2, INT16: 2, FP16: 2 } as const;
const widerSizes = { UINT32: 4, INT32: 4, FP32: 4, UINT64: 8, INT64: 8, FP64: 8 } as const;

/** One row of two small numbers of every datatype; read as floats these are subnormal. */
const everyDatatype: readonly Input[] = [
  ...Object.entries({ ...sizes, ...widerSizes }).map(([datatype, size]) => {
    const bytes = Buffer.alloc(2 * size);
    bytes[size] = 1;
    return { name: `in_${datatype}`, datatype, shape: [1, 2], bytes };
  }),
  texts("in_STRING", [1, 2], ["é", ""]),
];

const many = Array.from({ length: 400 }, (_, i) => i / 7 - 20);
const frame = floats("x", [1, 4], [1, 2, 3, 4]);

export const sounds: readonly Sound[] = [
  { model: "echo", inputs: [floats("x", [2, 4], [1, -2, 0.5, 1e-40, 5, 6, 7, 8])], outputs: [] },
  { model: "wide", inputs: [floats("x", [1, 5], [1, 2, 3, 4, 5])], outputs: ["y"] },
  { model: "wide", inputs: [floats("x", [3, 0], [])], outputs: ["y"] },
  { model: "strings", inputs: [texts("text", [2], ["é", "b"]), numbers], outputs: [] },
  {
    model: "strings",
    inputs: [numbers, texts("text", [2], ["", "longer than the rest"])],
    outputs: ["sum", "text_out"],
  },
  { model: "all", inputs: everyDatatype, outputs: [] },
  {
    model: "echo",
    inputs: [floats("x", [1, 4], [4, 1, 3, 2])],
    outputs: ["y"],
    parameters: { priority: 2, timeout: 20_000_000, note: "é" },
    classes: 3,
  },
  // Long enough in JSON for the reader of numbers.
  { model: "wide", inputs: [floats("x", [2, 200], many)], outputs: ["y"] },
  { model: "memory", inputs: [frame], outputs: ["y"] },
  {
    model: "memory",
    inputs: [frame],
    outputs: [],
    parameters: { sequence_id: 7, sequence_start: true, sequence_end: true },
  },
];

/** The JSON of Open Inference V2, with sizes in the place of elements. */
function jsonOf({ inputs, outputs, parameters, classes }: Sound): object {
  return {
    parameters: { ...parameters, binary_data_output: true },
    inputs: inputs.map(({ name, datatype, shape, bytes }) => {
      return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
    }),
    outputs: outputs.map((name) => ({
      name,
      parameters: { binary_data: true, ...(classes && { classification: classes }) },
    })),
  };
}

export interface SplitBody {
  readonly bytes: Buffer;
  readonly jsonBytes: number;
}

export function httpBody(sound: Sound): SplitBody {
  const json = Buffer.from(JSON.stringify({ id: "sound", ...jsonOf(sound) }));
  const bytes = Buffer.concat([json, ...sound.inputs.map(({ bytes }) => bytes)]);
  return { bytes, jsonBytes: json.length };
}

/** All of it in JSON; undefined where an input has elements that are none. */
export function plainBody(sound: Sound): Buffer | undefined {
  const { inputs, outputs, parameters } = sound;
  const written = inputs.map(({ name, datatype, shape, contents }) => {
    const [elements] = Object.values(contents ?? {}) as readonly (readonly unknown[])[];
    const data = elements?.map((one) => (Buffer.isBuffer(one) ? one.toString() : one));
    return { name, datatype, shape, data };
  });
  if (written.some(({ data }) => data === undefined)) return undefined;
  const named = outputs.map((name) => ({ name }));
  const json = JSON.stringify({ id: "sound", parameters, inputs: written, outputs: named });
  return Buffer.from(json);
}

export function socketFrame(sound: Sound, id: string | number): Buffer {
  const { parameters: _, ...fields } = jsonOf(sound) as { readonly parameters: object };
  const head = { type: "infer", id, model: sound.model, ...fields };
  const json = Buffer.from(JSON.stringify(head));
  return Buffer.concat([
    lengthPrefix(json.length),
    json,
    ...sound.inputs.map(({ bytes }) => bytes),
  ]);
}

const requestType = loadProto("inference.proto").lookupType("inference.ModelInferRequest");

function grpcValue(value: boolean | number | string): object {
  if (typeof value === "boolean") return { bool_param: value };
  return typeof value === "number" ? { int64_param: value } : { string_param: value };
}

function grpcHead({ model, inputs, outputs, parameters = {}, classes }: Sound) {
  const classification = classes && { classification: grpcValue(classes) };
  const values = Object.entries(parameters).map(([name, value]) => [name, grpcValue(value)]);
  return {
    parameters: Object.fromEntries(values),
    model_name: model,
    id: "sound",
    inputs: inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    outputs: outputs.map((name) => ({
      name,
      ...(classification && { parameters: classification }),
    })),
  };
}

/** Undefined where an input has no typed form. */
function typedMessage(sound: Sound): Buffer | undefined {
  if (sound.inputs.some(({ contents }) => contents === undefined)) return undefined;
  const head = grpcHead(sound);
  const inputs = head.inputs.map((input, i) => ({ ...input, contents: sound.inputs[i]?.contents }));
  return encode(requestType, { ...head, inputs });
}

/** Raw, and typed where they can be. */
export function grpcMessages(sound: Sound): readonly Buffer[] {
  const raw_input_contents = sound.inputs.map(({ bytes }) => bytes);
  const raw = encode(requestType, { ...grpcHead(sound), raw_input_contents });
  const typed = typedMessage(sound);
  return typed === undefined ? [raw] : [raw, typed];
}
