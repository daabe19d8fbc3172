// Makes of sound bytes such as nobody meant: bits flipped, pieces cut out, doubled, swapped, numbers gone wild.
import type { Random } from "../../models/random.ts";

const mostHarms = 4;

/** The largest and smallest of what lengths, counts and lone bytes may be. */
const wildWords = [0, 1, 3, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
const wildBytes = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d];

/** What may stand in JSON in the place of something else. */
const scraps = [
  ...["null", "true", "NaN", "-Infinity", "1e999", "-1", "-0.0", "0.5", "1e-400", "[]", "{}", '""'],
  ...["9007199254740993", "18446744073709551616", "2147483648", "4294967296", "1e300", "256"],
  ...["[".repeat(120), "[[[[", "]]", '"\\ud800"', '"\\u0000"', '{"__proto__":1}', '"__proto__"'],
  ...['"x"', '"FP16"', '"BF16"', '"BYTES"', '"BOOL"', '"UINT64"', '"data":[1],', '"shape":[],'],
  ...['"parameters":{"binary_data_size":4}', '"parameters":{"classification":1}', ",,", "\\", '"'],
].map((text) => Buffer.from(text));

const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.e+]*|true|false|null|[[\]{},:]/g;

type Harm = (random: Random, bytes: Buffer, others: readonly Buffer[]) => Buffer;

const harms: readonly Harm[] = [
  (random, bytes) =>
    with_(bytes, below(random, bytes.length), (old) => old ^ (1 << below(random, 8))),
  (random, bytes) => with_(bytes, below(random, bytes.length), () => pick(random, wildBytes)),
  (random, bytes) => wildWord(random, bytes),
  (random, bytes) => wildWord(random, bytes),
  (random, bytes) => splice(bytes, range(random, bytes), empty),
  (random, bytes) => bytes.subarray(0, below(random, bytes.length + 1)),
  (random, bytes) => doubled(random, bytes),
  (random, bytes) => splice(bytes, range(random, bytes), noise(random)),
  (random, bytes, others) => crossed(random, bytes, pick(random, others)),
  (random, bytes) => scrapped(random, bytes),
  (random, bytes) => scrapped(random, bytes),
];

/** One to a few harms, so that the bytes are others than they were. `others` are sound ones to take pieces from. */
export function mutate(random: Random, sound: Buffer, others: readonly Buffer[]): Buffer {
  let harmed = sound;
  const count = random() < 0.6 ? 1 : 1 + below(random, mostHarms);
  for (let left = count; left > 0 || harmed.equals(sound); left -= 1) {
    harmed = pick(random, harms)(random, harmed, others);
  }
  return harmed;
}

export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)] as T;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

const empty = Buffer.alloc(0);
const longestPiece = 24;

function range(random: Random, bytes: Buffer): Range {
  const from = below(random, bytes.length + 1);
  return { from, to: Math.min(bytes.length, from + 1 + below(random, longestPiece)) };
}

function splice(bytes: Buffer, { from, to }: Range, piece: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]);
}

function with_(bytes: Buffer, at: number, change: (old: number) => number): Buffer {
  const changed = Buffer.from(bytes);
  if (at < changed.length) changed[at] = change(changed[at] as number);
  return changed;
}

function wildWord(random: Random, bytes: Buffer): Buffer {
  const word = Buffer.alloc(4);
  const near = bytes.length + below(random, 9) - 4;
  word.writeUInt32LE(random() < 0.3 ? Math.max(0, near) : pick(random, wildWords));
  // Lengths mostly stand at the beginning.
  const from = random() < 0.3 ? 0 : below(random, bytes.length + 1);
  return splice(bytes, { from, to: Math.min(bytes.length, from + 4) }, word);
}

/** A piece comes twice; now and then very often. */
function doubled(random: Random, bytes: Buffer): Buffer {
  const { from, to } = range(random, bytes);
  const times = random() < 0.02 ? 4_000 : 1;
  const piece = bytes.subarray(from, to);
  return splice(bytes, { from, to: from }, Buffer.concat(Array(times).fill(piece)));
}

function noise(random: Random): Buffer {
  return Buffer.from(Array.from({ length: below(random, longestPiece) }, () => below(random, 256)));
}

/** The beginning of one with the end of another. */
function crossed(random: Random, bytes: Buffer, other: Buffer): Buffer {
  const from = below(random, other.length + 1);
  return Buffer.concat([bytes.subarray(0, below(random, bytes.length + 1)), other.subarray(from)]);
}

/** A token of JSON gives way to another, or to a scrap; where there is none the scrap stands anywhere. */
function scrapped(random: Random, bytes: Buffer): Buffer {
  const tokens = [...bytes.toString("latin1").matchAll(token)];
  if (tokens.length === 0) return splice(bytes, range(random, bytes), pick(random, scraps));
  const { index: from, 0: text } = pick(random, tokens);
  const other = Buffer.from(pick(random, tokens)[0], "latin1");
  const piece = random() < 0.7 ? pick(random, scraps) : other;
  return splice(bytes, { from, to: from + text.length }, piece);
}
