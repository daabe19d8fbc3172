import { TroupeError } from "../src/protocol/errors.ts";
import type { StateSpec } from "../src/protocol/model-metadata.ts";
import type { StateTensor } from "../src/protocol/model-settings.ts";
import type { ModelInterface, ValueInfo } from "./engine.ts";

/** What exporters put before and behind the name of a state that goes in, and of the one that comes out. */
const inMarks = [/(?:_?in|In|_prev|_?0|(?<=\d)i)$/, /^(?:prev|past|old|in)_/];
const outMarks = [/(?:N|_?n|_?[oO]ut|_?next|_new|(?<=\d)o)$/, /^(?:next|new|present|out)_/];

/**
 * Inputs and outputs of one datatype and shape whose names differ by a suffix only, as `state` and `stateN`, or `h` and
 * `hn`; none where a name has two partners, or where nothing but states would go in or come out. Whether feeding them
 * back works is for the trial to say.
 */
export function pairByName({ inputs, outputs }: ModelInterface): readonly StateSpec[] {
  const pairs = inputs.flatMap((into, input) =>
    outputs.flatMap((from, output): StateSpec[] =>
      isNamedAlike(into.name, from.name) && isAlike(into, from)
        ? [{ input, output, found: true }]
        : [],
    ),
  );
  const isUnique = (pair: StateSpec) =>
    pairs.every((other) => other === pair || !sharesEnd(pair, other));
  const hasSignal = inputs.some(
    ({ dims }, at) => dims.length > 0 && !pairs.some(({ input }) => input === at),
  );
  const hasAnswer = outputs.some((_, at) => !pairs.some(({ output }) => output === at));
  return hasSignal && hasAnswer && pairs.every(isUnique) ? pairs : [];
}

function sharesEnd(a: StateSpec, b: StateSpec): boolean {
  return a.input === b.input || a.output === b.output;
}

/** One of the two has a mark at least, and without marks they are the same. */
function isNamedAlike(into: string, from: string): boolean {
  const stems = stemsOf(into, inMarks);
  return (
    into !== from && stemsOf(from, outMarks).some((stem) => stem !== "" && stems.includes(stem))
  );
}

function stemsOf(name: string, marks: readonly RegExp[]): readonly string[] {
  return [name, ...marks.map((mark) => name.replace(mark, ""))];
}

/** A size with a name may turn out to be any. */
function isAlike(a: ValueInfo, b: ValueInfo): boolean {
  if (a.datatype === null || a.datatype !== b.datatype || a.dims.length !== b.dims.length) {
    return false;
  }
  return a.dims.every((size, axis) => {
    const other = b.dims[axis];
    return typeof size === "string" || typeof other === "string" || size === other;
  });
}

/** Throws `invalid-model` where the model has no such input or output, or the two do not fit each other. */
export function pairAsConfigured(
  model: ModelInterface,
  state: readonly StateTensor[],
): readonly StateSpec[] {
  return state.map(({ input, output }, at) => {
    const into = indexOf(model.inputs, input, `state[${at}].input`);
    const from = indexOf(model.outputs, output, `state[${at}].output`);
    const [a, b] = [model.inputs[into], model.outputs[from]] as [ValueInfo, ValueInfo];
    if (isAlike(a, b)) return { input: into, output: from, found: false };
    throw new TroupeError(
      "invalid-model",
      `state[${at}] cannot be fed back: output '${output}' is ${typeText(b)}, input '${input}' takes ${typeText(a)}`,
    );
  });
}

/** Throws `invalid-model` with the names that there are. */
export function indexOf(values: readonly ValueInfo[], name: string, field: string): number {
  const index = values.findIndex((value) => value.name === name);
  if (index >= 0) return index;
  const known = values.map((value) => `'${value.name}'`).join(", ");
  throw new TroupeError(
    "invalid-model",
    `${field} must be one of ${known || "none"}, got '${name}'`,
  );
}

function typeText({ datatype, dims }: ValueInfo): string {
  return `${datatype ?? "no tensor"} [${dims.join(",")}]`;
}
