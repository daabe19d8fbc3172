import type { Datatype } from "../protocol/model-metadata.ts";
import { allocate } from "./datatypes.ts";
import type { TensorData } from "./tensor.ts";
import { invalidRequest, wordFor } from "./wording.ts";

/** How bare samples are written: little-endian, one after the other. */
export const sampleFormats = ["int16", "int32", "float32"] as const;
export type SampleFormat = (typeof sampleFormats)[number];

/** Datatypes of inputs that a signal can be cut for. */
export const signalDatatypes: readonly Datatype[] = ["FP32", "FP64", "INT16", "INT32"];

interface FormatTraits {
  readonly bytes: number;
  /** What full scale is, where samples of the format stand for -1 to 1; null where they are what they say. */
  readonly scale: number | null;
  readonly read: (view: DataView, at: number) => number;
}

const traitsOf: Readonly<Record<SampleFormat, FormatTraits>> = {
  int16: { bytes: 2, scale: 2 ** 15, read: (view, at) => view.getInt16(at, true) },
  int32: { bytes: 4, scale: 2 ** 31, read: (view, at) => view.getInt32(at, true) },
  float32: { bytes: 4, scale: null, read: (view, at) => view.getFloat32(at, true) },
};

/**
 * Bare samples as elements of the datatype, one of `signalDatatypes`. Whole numbers for an input of floats become -1 to
 * 1, as audio has it; for an input of whole numbers they stay what they are. Throws `invalid-request` for a part of a
 * sample, for what is not finite, and for samples that the datatype cannot hold.
 */
export function readSamples(
  bytes: Uint8Array,
  format: SampleFormat,
  datatype: Datatype,
): TensorData {
  const { bytes: size, scale, read } = traitsOf[format];
  if (bytes.length % size !== 0) {
    throw invalidRequest(
      `Cannot read samples: expected a multiple of ${size} bytes (${format}), got ${bytes.length} bytes`,
    );
  }
  checkHolds(datatype, format);
  const count = bytes.length / size;
  const data = allocate(datatype, count) as Float32Array;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const factor = scale !== null && isFloat(datatype) ? 1 / scale : 1;
  for (let i = 0; i < count; i += 1) {
    const value = read(view, i * size);
    if (value - value !== 0) {
      throw invalidRequest(`Cannot read samples: expected a finite number at [${i}], got ${value}`);
    }
    data[i] = value * factor;
  }
  return data;
}

function isFloat(datatype: Datatype): boolean {
  return datatype === "FP32" || datatype === "FP64";
}

function checkHolds(datatype: Datatype, format: SampleFormat): void {
  if (isFloat(datatype) || format === "int16") return;
  if (datatype === "INT32" && format === "int32") return;
  throw invalidRequest(`Cannot read samples: ${format} does not fit the model's ${datatype}`);
}

/** Throws `invalid-request` naming the field. */
export function readFormat(value: unknown): SampleFormat {
  const format = sampleFormats.find((known) => known === value);
  if (format !== undefined) return format;
  const known = sampleFormats.join(", ");
  throw invalidRequest(`Cannot read 'encoding': expected one of ${known}, got ${wordFor(value)}`);
}

/** Without a repeated group, which overflows V8's stack on a few megabytes; so the length is looked at by itself. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** RFC 4648, section 4, padded. Throws `invalid-request`: Node itself skips what is no base64. */
export function readBase64(text: string): Uint8Array {
  if (text.length % 4 === 0 && base64.test(text)) return Buffer.from(text, "base64");
  throw invalidRequest(`Cannot read 'samples': expected base64, got ${wordFor(text)}`);
}
