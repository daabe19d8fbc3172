// Requests that are well-formed and say what is not so: another shape, datatype or name, bytes too many or too few.
import type { Random } from "../../models/random.ts";
import { datatypes } from "../../src/protocol/model-metadata.ts";
import { below, mutate, pick } from "./mutation.ts";
import type { Input, Sound } from "./sound.ts";

const dims = [
  -1,
  0,
  1,
  2,
  3,
  7,
  255,
  2 ** 16,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  1 - 2 ** 53,
];
const names = ["", "x", "y", "text", "number", "__proto__", "constructor", "é".repeat(300), "a\0b"];

const shapeChanges: readonly ((random: Random, shape: readonly number[]) => readonly number[])[] = [
  (random, shape) => shape.with(below(random, shape.length), pick(random, dims)),
  (random, shape) => shape.with(below(random, shape.length), pick(random, dims)),
  (random, shape) => [...shape, pick(random, [1, ...dims])],
  (_, shape) => shape.slice(1),
  (_, shape) => shape.toReversed(),
  (random) => Array.from({ length: below(random, 300) }, () => pick(random, dims)),
];

function withBytes(random: Random, input: Input): Input {
  if (input.bytes.length === 0) return { ...input, bytes: Buffer.of(below(random, 256)) };
  return { ...input, bytes: mutate(random, input.bytes, [input.bytes]) };
}

/** As many bytes, of any values. */
function withNoise(random: Random, input: Input): Input {
  return { ...input, bytes: Buffer.from(input.bytes.map(() => below(random, 256))) };
}

/** All of it twice, one after the other. */
function withMoreRows(_: Random, input: Input): Input {
  const { shape, bytes } = input;
  const [rows = 1, ...row] = shape;
  return { ...input, shape: [2 * rows, ...row], bytes: Buffer.concat([bytes, bytes]) };
}

const inputChanges: readonly ((random: Random, input: Input, other: Input) => Input)[] = [
  (random, input) => {
    // A scalar has no dim to change.
    const shape = input.shape.length === 0 ? [1] : input.shape;
    return { ...input, shape: pick(random, shapeChanges)(random, shape) };
  },
  withBytes,
  withNoise,
  withMoreRows,
  (random, input) => ({ ...input, datatype: pick(random, [...datatypes, "FP128", ""]) }),
  (random, input) => ({ ...input, name: pick(random, names) }),
  (_, input, { bytes, contents }) => ({ ...input, bytes, ...(contents && { contents }) }),
];

const requestChanges: readonly ((random: Random, sound: Sound, other: Sound) => Sound)[] = [
  (_, sound) => ({ ...sound, inputs: [...sound.inputs, ...sound.inputs.slice(0, 1)] }),
  (_, sound) => ({ ...sound, inputs: sound.inputs.slice(1) }),
  (random, sound) => ({ ...sound, inputs: sound.inputs.map((one) => withMoreRows(random, one)) }),
  (random, sound) => ({ ...sound, inputs: sound.inputs.map((one) => withNoise(random, one)) }),
  (_, sound) => ({ ...sound, inputs: sound.inputs.toReversed() }),
  (_, sound, { inputs }) => ({ ...sound, inputs }),
  (_, sound, { outputs }) => ({ ...sound, outputs }),
  (random, sound) => ({ ...sound, outputs: [pick(random, names), ...sound.outputs] }),
];

/** One thing about it is not so; at times two. */
export function misstate(random: Random, sound: Sound, others: readonly Sound[]): Sound {
  const other = pick(random, others);
  const isRequest = random() < 0.25;
  const changed = isRequest
    ? pick(random, requestChanges)(random, sound, other)
    : { ...sound, inputs: withOneChanged(random, sound.inputs, other.inputs) };
  return random() < 0.2 ? misstate(random, changed, others) : changed;
}

function withOneChanged(
  random: Random,
  inputs: readonly Input[],
  others: readonly Input[],
): readonly Input[] {
  const at = below(random, inputs.length);
  const input = inputs[at];
  const other = others.length === 0 ? input : pick(random, others);
  if (input === undefined || other === undefined) return inputs;
  return inputs.with(at, pick(random, inputChanges)(random, input, other));
}
