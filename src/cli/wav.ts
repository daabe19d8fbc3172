/* A WAV file's samples, as a model that hears takes them: one channel, as it was recorded. */

export interface Wav {
  readonly rate: number;
  /** Of several channels, their mean. */
  readonly samples: Float32Array;
}

interface Format {
  readonly isFloat: boolean;
  readonly channels: number;
  readonly rate: number;
  readonly bits: number;
}

const pcmTag = 1;
const floatTag = 3;
/** The real one stands in the extension. */
const extensibleTag = 0xfffe;

/** A text where it is no WAV, or one that is not read here. http://soundfile.sapp.org/doc/WaveFormat/ */
export function readWav(bytes: Uint8Array): Wav | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tagAt(view, 0) !== "RIFF" || tagAt(view, 8) !== "WAVE") {
    return "it is no WAV file";
  }
  const chunks = chunksOf(view);
  const format = readFormat(chunks.get("fmt "));
  const data = chunks.get("data");
  if (typeof format === "string") return format;
  if (data === undefined) return "it holds no samples";
  return { rate: format.rate, samples: mixed(data, format) };
}

function tagAt(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)));
}

/**
 * The first of each name. One that says it is longer than the file ends with it, as streamed recordings have it; and so
 * do the samples of a recording that was cut off, whose head still says 0 of it all.
 */
function chunksOf(view: DataView): ReadonlyMap<string, DataView> {
  const chunks = new Map<string, DataView>();
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const name = tagAt(view, at);
    const rest = view.byteLength - at - 8;
    const said = view.getUint32(at + 4, true);
    const isCutOff = name === "data" && said + view.getUint32(4, true) === 0;
    const size = isCutOff ? rest : Math.min(said, rest);
    if (!chunks.has(name)) {
      chunks.set(name, new DataView(view.buffer, view.byteOffset + at + 8, size));
    }
    at += 8 + size + (size % 2);
  }
  return chunks;
}

function readFormat(chunk: DataView | undefined): Format | string {
  if (chunk === undefined || chunk.byteLength < 16) return "it does not say its format";
  const outer = chunk.getUint16(0, true);
  const tag = outer === extensibleTag && chunk.byteLength >= 26 ? chunk.getUint16(24, true) : outer;
  const channels = chunk.getUint16(2, true);
  const rate = chunk.getUint32(4, true);
  const bits = chunk.getUint16(14, true);
  const isFloat = tag === floatTag;
  const isKnown = isFloat ? bits === 32 || bits === 64 : tag === pcmTag && isPcm(bits);
  if (isKnown && channels > 0) return { isFloat, channels, rate, bits };
  return `expected PCM of 8, 16, 24 or 32 bits, or floats, got format ${tag} of ${bits} bits`;
}

function isPcm(bits: number): boolean {
  return [8, 16, 24, 32].includes(bits);
}

function mixed(data: DataView, { isFloat, channels, bits }: Format): Float32Array {
  const bytes = bits / 8;
  const read = readerOf(data, bits, isFloat);
  const count = Math.floor(data.byteLength / (bytes * channels));
  return Float32Array.from({ length: count }, (_, at) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) {
      sum += read((at * channels + channel) * bytes);
    }
    return sum / channels;
  });
}

/** From -1 to 1. */
function readerOf(data: DataView, bits: number, isFloat: boolean): (at: number) => number {
  if (isFloat) {
    return bits === 32 ? (at) => data.getFloat32(at, true) : (at) => data.getFloat64(at, true);
  }
  switch (bits) {
    case 8:
      return (at) => (data.getUint8(at) - 128) / 128;
    case 16:
      return (at) => data.getInt16(at, true) / 0x8000;
    case 24:
      return (at) => (data.getUint16(at, true) / 0x100 + data.getInt8(at + 2) * 0x100) / 0x8000;
    default:
      return (at) => data.getInt32(at, true) / 0x8000_0000;
  }
}
