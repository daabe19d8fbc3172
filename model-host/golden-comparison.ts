/* Whether an answer is the one that a golden sample expects; pure. */
import { isJsonObject } from "../src/tensors/json-object.ts";

/** Elements nested as the answer has them, by the name of their output. */
export type Outputs = Readonly<Record<string, unknown>>;

/** Throws where the text is no JSON object, in words that follow the name of the sample. */
export function parseExpected(text: string): Outputs {
  const parsed = parseJson(text);
  if (isJsonObject(parsed)) return parsed;
  throw new Error("its outputs must be a JSON object of output names");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What is wrong with the first number, text or list that is not as expected; undefined where all are. A number may be
 * off by `tolerance`, and by as large a share of the expected one; everything else must be equal.
 */
export function findFault(
  expected: Outputs,
  answered: ReadonlyMap<string, unknown>,
  tolerance: number,
): string | undefined {
  for (const [name, want] of Object.entries(expected)) {
    if (!answered.has(name)) return unknownOutput(name, [...answered.keys()]);
    const mismatch = findMismatch(want, answered.get(name), tolerance);
    if (mismatch !== undefined) return describeMismatch(name, mismatch, tolerance);
  }
  return undefined;
}

interface Mismatch {
  readonly path: readonly number[];
  readonly want: unknown;
  readonly got: unknown;
}

function findMismatch(
  want: unknown,
  got: unknown,
  tolerance: number,
  path: readonly number[] = [],
): Mismatch | undefined {
  if (!Array.isArray(want) || !Array.isArray(got) || want.length !== got.length) {
    return isWithin(want, got, tolerance) ? undefined : { path, want, got };
  }
  for (const [at, one] of want.entries()) {
    const mismatch = findMismatch(one, got[at], tolerance, [...path, at]);
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

function isWithin(want: unknown, got: unknown, tolerance: number): boolean {
  if (typeof want !== "number" || typeof got !== "number") return want === got;
  return Math.abs(got - want) <= tolerance + tolerance * Math.abs(want);
}

function unknownOutput(name: string, known: readonly string[]): string {
  const names = known.map((one) => `'${one}'`).join(", ");
  return `output '${name}' is not in the answer, which has ${names}`;
}

function describeMismatch(name: string, { path, want, got }: Mismatch, tolerance: number): string {
  const place = path.length === 0 ? "" : ` at ${path.map((at) => `[${at}]`).join("")}`;
  const margin = typeof want === "number" ? ` within ${tolerance}` : "";
  return `output '${name}'${place} must be ${shown(want)}${margin}, got ${shown(got)}`;
}

const longestShown = 100;

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  const text = JSON.stringify(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}
