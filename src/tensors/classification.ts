import { TroupeError } from "../protocol/errors.ts";
import type { Datatype } from "../protocol/model-metadata.ts";
import { datatypeTraits, type TypedArray } from "./datatypes.ts";
import { widenHalf } from "./half-floats.ts";
import { slice } from "./stacking.ts";
import type { Tensor } from "./tensor.ts";

/** Which classes of an output a client wants, and what they are called. */
export interface Classes {
  /** The best so many of each row, fewer where there are fewer. */
  readonly most: number;
  /** Where the rows stand; null where all of the tensor is one. */
  readonly axis: number | null;
  /** By index; they count only where there are as many as classes. */
  readonly labels: readonly string[];
}

/** Whether scores of that datatype stand in an order. */
export function isClassifiable(datatype: Datatype): boolean {
  const { kind } = datatypeTraits[datatype];
  return kind !== "string" && kind !== "boolean";
}

/** To sort more takes so long that the host would be taken for hung. */
const maxScores = 2 ** 20;

/**
 * Triton's classification extension: for each row the classes of the highest scores, highest first and the first of
 * equals first, as BYTES `score:index` or `score:index:label`; of shape [rows, classes], [classes] without an axis.
 * NaN is lower than every number. Throws `payload-too-large` for more than 2^20 scores.
 */
export function classify(tensor: Tensor, { most, axis, labels }: Classes): Tensor {
  if (tensor.data.length > maxScores) {
    const words = `Cannot classify output: at most ${maxScores} scores can be, got ${tensor.data.length}`;
    throw new TroupeError("payload-too-large", words);
  }
  const rows = axis === null ? 1 : (tensor.shape[axis] as number);
  const data: string[] = [];
  for (let row = 0; row < rows; row += 1) {
    const one = axis === null ? tensor : slice(tensor, axis, row, 1);
    // Not by a spread: as many arguments as there may be classes, no call takes.
    for (const text of bestOf(widenHalf(one).data as TypedArray, most, labels)) data.push(text);
  }
  const classes = rows === 0 ? 0 : data.length / rows;
  return { datatype: "BYTES", shape: axis === null ? [classes] : [rows, classes], data };
}

function bestOf(scores: TypedArray, most: number, labels: readonly string[]): readonly string[] {
  const names = labels.length === scores.length ? labels : [];
  const order = [...scores.keys()].sort((a, b) => compare(scores[b], scores[a]) || a - b);
  return order.slice(0, most).map((index) => {
    const label = names[index];
    const text = `${scoreText(scores[index], scores)}:${index}`;
    return label === undefined ? text : `${text}:${label}`;
  });
}

function compare(a: number | bigint | undefined, b: number | bigint | undefined): number {
  const one = a ?? Number.NaN;
  const other = b ?? Number.NaN;
  if (one > other) return 1;
  if (one < other) return -1;
  // Equal, or one of them is NaN.
  return Number(isNaNumber(other)) - Number(isNaNumber(one));
}

function isNaNumber(value: number | bigint): boolean {
  return typeof value === "number" && Number.isNaN(value);
}

/** From here on `toFixed` writes exponents, where the digits of a float are those of an integer anyway. */
const exponentsFrom = 1e21;

/** As C++'s std::to_string has it: floats with six decimals. */
function scoreText(score: number | bigint | undefined, scores: TypedArray): string {
  const isFloat = scores instanceof Float32Array || scores instanceof Float64Array;
  if (typeof score !== "number" || !isFloat) return String(score);
  if (Number.isNaN(score)) return "nan";
  if (!Number.isFinite(score)) return score > 0 ? "inf" : "-inf";
  return Math.abs(score) < exponentsFrom ? fixed(score) : `${BigInt(score)}.000000`;
}

function fixed(score: number): string {
  const text = isTie(score) ? evenTie(score) : Math.abs(score).toFixed(6);
  return score < 0 || Object.is(score, -0) ? `-${text}` : text;
}

/** Only an odd number of 128ths lies in the middle between two numbers of six decimals. */
const tieParts = 128;

function isTie(score: number): boolean {
  return Math.abs(score * tieParts) % 2 === 1;
}

/** To the even one, as C has it; `toFixed` takes the larger. */
function evenTie(score: number): string {
  const millionths = (BigInt(Math.abs(score * tieParts)) * 15_625n) / 2n;
  const digits = String(millionths + (millionths % 2n)).padStart(7, "0");
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
