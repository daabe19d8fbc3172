/* The keys of model.yaml that say what a model remembers, and how signals are cut for it. */
import {
  type Nested,
  type Scalar,
  type StateTensor,
  type StreamSettings,
  streamPads,
} from "../protocol/model-settings.ts";
import {
  type Field,
  fault,
  inside,
  integer,
  isGiven,
  need,
  type Read,
  readChoice,
  readEntries,
  readList,
  readText,
  refuse,
} from "./config-field.ts";

/** Samples in one run: more are no window any more. */
const maxWindow = 16_777_216;

const readNested: Read<Nested> = (node, place) => {
  if (node.type === "list") {
    return node.items.map((item, at) =>
      readNested(item, { ...place, path: `${place.path}[${at}]` }),
    );
  }
  if (node.type === "scalar" && typeof node.value === "number") return node.value;
  throw refuse(node, place, "a number, or a list of numbers");
};

const readInitial: Read<"zeros" | Nested> = (node, place) => {
  if (node.type === "list") return readNested(node, place);
  if (node.type === "scalar" && typeof node.value === "number") return node.value;
  if (node.type === "scalar" && node.text === "zeros") return "zeros";
  throw refuse(node, place, "zeros, or a list of numbers");
};

const readStateTensor: Read<StateTensor> = (node, place) => {
  const entries = readEntries(node, place, ["input", "output", "initial"]);
  const initial = entries.get("initial");
  return {
    input: need(entries, "input", readText, node, place),
    output: need(entries, "output", readText, node, place),
    initial: isGiven(initial) ? readInitial(initial, inside(place, "initial")) : "zeros",
  };
};

/** Absent, it is left to the trial; an empty list says that there is none. */
export const state: Field<readonly StateTensor[] | null> = {
  fallback: null,
  read: (node, place) => {
    const tensors = readList(readStateTensor)(node, place);
    for (const side of ["input", "output"] as const) {
      const names = tensors.map((tensor) => tensor[side]);
      const twice = names.find((name, at) => names.indexOf(name) !== at);
      if (twice !== undefined) {
        throw fault(place, node.line, `${place.path} names the ${side} '${twice}' twice`);
      }
    }
    return tensors;
  },
};

export const stream: Field<StreamSettings | null> = {
  fallback: null,
  read: (node, place) => {
    const entries = readEntries(node, place, ["input", "window", "hop", "pad"]);
    const window = need(entries, "window", integer(1, 1, maxWindow).read, node, place);
    const hop = entries.get("hop");
    const pad = entries.get("pad");
    return {
      input: need(entries, "input", readText, node, place),
      window,
      hop: isGiven(hop) ? integer(1, 1, window).read(hop, inside(place, "hop")) : window,
      pad: isGiven(pad) ? readChoice(streamPads)(pad, inside(place, "pad")) : "zeros",
    };
  },
};

export const defaults: Field<Readonly<Record<string, Scalar>>> = {
  fallback: {},
  read: (node, place) => {
    if (node.type !== "map") throw refuse(node, place, "a map of inputs to values");
    return Object.fromEntries(
      node.entries.map(({ key, value }) => {
        if (value.type === "scalar" && value.value !== null) return [key, value.value];
        throw refuse(value, inside(place, key), "a number, a text, true or false");
      }),
    );
  },
};
