/* Whether a model is what its config.pbtxt declares. */
import { TroupeError } from "../src/protocol/errors.ts";
import type { TritonFacts, TritonTensor } from "../src/protocol/model-settings.ts";
import type { LoadedModel, ValueInfo } from "./engine.ts";

type Side = "input" | "output";

/** Throws `invalid-model` where it is not, with the line of the file. */
export function checkDeclared(
  { inputs, outputs }: Pick<LoadedModel, "inputs" | "outputs">,
  facts: TritonFacts,
): void {
  for (const declared of facts.inputs ?? []) checkTensor("input", declared, inputs, facts);
  for (const declared of facts.outputs) checkTensor("output", declared, outputs, facts);
  const { inputs: listed } = facts;
  if (listed === null) return;
  const missing = inputs.find(({ name }) => listed.every((declared) => declared.name !== name));
  if (missing === undefined) return;
  throw new TroupeError("invalid-model", `${facts.file} does not list input '${missing.name}'`);
}

function checkTensor(
  side: Side,
  declared: TritonTensor,
  values: readonly ValueInfo[],
  { file, batched }: TritonFacts,
): void {
  const place = `${file}: ${side} '${declared.name}' (line ${declared.line})`;
  const value = values.find(({ name }) => name === declared.name);
  if (value === undefined) {
    const known = values.map(({ name }) => `'${name}'`).join(", ");
    throw new TroupeError("invalid-model", `${place}: the model has no such ${side}, but ${known}`);
  }
  const dims = batched ? [-1, ...declared.dims] : declared.dims;
  // Of an output it may not be known.
  const isShapeless = side === "output" && value.dims.length === 0;
  const hasShape = isShapeless || fits(value, dims, batched);
  if (value.datatype === declared.datatype && hasShape) return;
  const wanted = `${declared.datatype} [${dims.join(",")}]`;
  const words = batched ? `${wanted}, with the batch in front` : wanted;
  const found = `${value.datatype ?? value.kind} [${value.dims.join(",")}]`;
  throw new TroupeError("invalid-model", `${place} is ${words}, but the model's is ${found}`);
}

/** A free size of the model may be declared as a fixed one, but not the other way round. */
function fits({ dims }: ValueInfo, declared: readonly number[], batched: boolean): boolean {
  if (dims.length !== declared.length) return false;
  if (batched && typeof dims[0] === "number") return false;
  return dims.every((dim, axis) => typeof dim === "string" || dim === declared[axis]);
}
