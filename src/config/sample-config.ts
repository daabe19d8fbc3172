/* The keys of model.yaml that hold requests: those run before a host is ready, and those whose answer is known. */
import type { GoldenSample } from "../protocol/model-settings.ts";
import {
  type Field,
  fault,
  inside,
  isGiven,
  need,
  type Place,
  type Read,
  readEntries,
  readList,
  refuse,
} from "./config-field.ts";
import { readPlain } from "./plain-value.ts";
import type { YamlNode } from "./yaml-tree.ts";

const requestKeys = ["features", "inputs"] as const;
const usualTolerance = 0.0001;

/** The text of a request in Troupe's own JSON. */
function requestOf(
  entries: ReadonlyMap<string, YamlNode>,
  { line }: YamlNode,
  place: Place,
): string {
  const [key, second] = requestKeys.filter((name) => isGiven(entries.get(name)));
  const value = key === undefined ? undefined : entries.get(key);
  if (key === undefined || value === undefined) {
    throw fault(place, line, `${place.path} has neither features nor inputs`);
  }
  if (second !== undefined) {
    throw fault(place, line, `${place.path} has both features and inputs, where one is needed`);
  }
  if (key === "inputs" && value.type === "scalar") {
    throw refuse(value, inside(place, key), "a map or a list of inputs");
  }
  return JSON.stringify({ [key]: readPlain(value, inside(place, key)) });
}

const readRequest: Read<string> = (node, place) =>
  requestOf(readEntries(node, place, requestKeys), node, place);

const readOutput: Read<void> = (node, place) => {
  if (node.type === "list") {
    readList(readOutput)(node, place);
    return;
  }
  if (node.type === "map" || !isGiven(node)) {
    throw refuse(node, place, "a number, a text, true or false, or a list of them");
  }
};

const readOutputs: Read<string> = (node, place) => {
  if (node.type !== "map") throw refuse(node, place, "a map of outputs to values");
  if (node.entries.length === 0) throw fault(place, node.line, `${place.path} must not be empty`);
  for (const { key, value } of node.entries) readOutput(value, inside(place, key));
  return JSON.stringify(readPlain(node, place));
};

const readTolerance: Read<number> = (node, place) => {
  const value = node.type === "scalar" ? node.value : null;
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw refuse(node, place, "a number from 0");
};

const readGolden: Read<GoldenSample> = (node, place) => {
  const entries = readEntries(node, place, [...requestKeys, "outputs", "tolerance"]);
  const tolerance = entries.get("tolerance");
  return {
    request: requestOf(entries, node, place),
    outputs: need(entries, "outputs", readOutputs, node, place),
    tolerance: isGiven(tolerance)
      ? readTolerance(tolerance, inside(place, "tolerance"))
      : usualTolerance,
  };
};

/** Absent, some are made up; an empty list says that nothing is run. */
export const warmup: Field<readonly string[] | null> = {
  fallback: null,
  read: readList(readRequest),
};

export const golden: Field<readonly GoldenSample[]> = { fallback: [], read: readList(readGolden) };
