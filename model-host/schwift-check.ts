/* Whether a model is what a YAML file of SchwiftServe's declares. */
import { TroupeError } from "../src/protocol/errors.ts";
import type { SchwiftFacts, SchwiftTensor } from "../src/protocol/model-settings.ts";
import type { LoadedModel, ValueInfo } from "./engine.ts";

type Side = "input" | "output";

/** Throws `invalid-model` where it is not, with the line of the file: SchwiftServe would convert what it is sent. */
export function checkSchwift(
  { inputs, outputs }: Pick<LoadedModel, "inputs" | "outputs">,
  { file, input, output }: SchwiftFacts,
): void {
  if (input !== null) checkTensor({ side: "input", declared: input, file }, inputs);
  if (output !== null) checkTensor({ side: "output", declared: output, file }, outputs);
}

interface Declaration {
  readonly side: Side;
  readonly declared: SchwiftTensor;
  readonly file: string;
}

/** Of several outputs SchwiftServe answers with the first. */
function checkTensor({ side, declared, file }: Declaration, values: readonly ValueInfo[]): void {
  const place = `${file}: ${side} (line ${declared.line})`;
  const [first] = values;
  if (first === undefined || (side === "input" && values.length > 1)) {
    const names = values.map(({ name }) => `'${name}'`).join(", ");
    throw new TroupeError("invalid-model", `${place} is one, but the model has ${names}`);
  }
  const { datatype, shape } = declared;
  const hasType = datatype === null || datatype === first.datatype;
  if (hasType && (shape === null || fits(first, shape) || fits(first, [-1, ...shape]))) return;
  const wanted = [datatype ?? "", shape === null ? "" : `[${shape.join(",")}]`].join(" ").trim();
  const found = `${first.datatype ?? first.kind} [${first.dims.join(",")}]`;
  throw new TroupeError("invalid-model", `${place} is ${wanted}, but the model's is ${found}`);
}

/** A size that one of both leaves open fits any; of an output the shape may not be known. */
function fits({ dims }: ValueInfo, declared: readonly number[]): boolean {
  if (dims.length === 0) return true;
  if (dims.length !== declared.length) return false;
  return dims.every(
    (dim, at) => typeof dim === "string" || declared[at] === -1 || dim === declared[at],
  );
}
