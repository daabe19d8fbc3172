import type { TensorSpec } from "../protocol/model-metadata.ts";
import { readBinary } from "./binary-elements.ts";
import type { Codec, DecodedRequest, OutputForm, ServedModel } from "./codec.ts";
import { datatypeTraits } from "./datatypes.ts";
import { plainOutputs } from "./model-state.ts";
import { neededInputs } from "./per-model.ts";
import { checkInputs, rowAxis } from "./request-check.ts";
import { product, shapeText, withDim } from "./shapes.ts";
import type { Tensor } from "./tensor.ts";
import { encodeInference, encodeInferenceEnd } from "./v2-answer.ts";
import { invalidRequest, listed, quoted } from "./wording.ts";

const allowance = { rowsOneByOne: false };
const inBinary: OutputForm = { isBinary: true, classes: null };

/**
 * The "raw binary request" of Open Inference V2 (section 4): the body is the one input's bytes, in one row. All outputs
 * come in binary.
 */
export const v2RawCodec: Codec = {
  decode: decodeRaw,
  encode: encodeInference,
  encodeEnd: encodeInferenceEnd,
};

function decodeRaw(body: Uint8Array, model: ServedModel): DecodedRequest {
  const at = rawInput(model);
  const tensor = readRaw(body, model.metadata.inputs[at] as TensorSpec, model);
  const given = model.metadata.inputs.map((_, other) => (other === at ? tensor : undefined));
  const { inputs, rows } = checkInputs(given, model, allowance);
  const outputs = plainOutputs(model);
  const forms = outputs.map(() => inBinary);
  return { inputs, rows, outputs, forms, id: undefined, bringsState: false, isSignal: false };
}

/** Throws `invalid-request` where several inputs have to come. */
function rawInput(model: ServedModel): number {
  const [needed, ...others] = neededInputs(model);
  if (needed !== undefined && others.length === 0) return needed;
  const { inputs } = model.metadata;
  throw invalidRequest(
    `Cannot read a raw body: it holds one input, but model ${quoted(model.name)} has ${inputs.length}, ${listed(inputs.map(({ name }) => name))}`,
  );
}

function readRaw(body: Uint8Array, spec: TensorSpec, model: ServedModel): Tensor {
  const { name, datatype } = spec;
  const axis = rowAxis(spec, model.metadata.batching, allowance);
  const oneRow = axis === null ? spec.shape : withDim(spec.shape, axis, 1);
  if (datatype === "BYTES") return readText(body, name, oneRow);
  const elementBytes = datatypeTraits[datatype].bytes ?? 1;
  const shape = filled(name, oneRow, body.length / elementBytes);
  return readBinary({ name, datatype, shape }, body);
}

/** The one dim of any size is what the number of elements leaves for it. */
function filled(name: string, shape: readonly number[], elements: number): readonly number[] {
  const open = shape.indexOf(-1);
  if (open < 0) return shape;
  if (shape.lastIndexOf(-1) !== open) {
    throw invalidRequest(
      `Cannot read a raw body: it tells one size at most, but input ${quoted(name)} has shape ${shapeText(shape)}`,
    );
  }
  const size = elements / product(shape.toSpliced(open, 1));
  if (Number.isSafeInteger(size)) return withDim(shape, open, size);
  throw invalidRequest(
    `Cannot read a raw body: its bytes are no whole number of rows for input ${quoted(name)} of shape ${shapeText(shape)}, got ${elements} elements`,
  );
}

/** All of the body is the one string. */
function readText(body: Uint8Array, name: string, shape: readonly number[]): Tensor {
  const one = shape.map((size) => (size === -1 ? 1 : size));
  if (product(one) !== 1) {
    throw invalidRequest(
      `Cannot read a raw body: it holds one string, but input ${quoted(name)} has shape ${shapeText(shape)}`,
    );
  }
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return readBinary({ name, datatype: "BYTES", shape: one }, Buffer.concat([length, body]));
}
