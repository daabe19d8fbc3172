/*
 * Finds out, by trying, whether rows of several requests may share a run: one row, another row, and both together must
 * give the same within the tolerance. It owns the verdict; what to do with it is the host's.
 */

import { TroupeError } from "../src/protocol/errors.ts";
import type {
  Batching,
  ModelMetadata,
  StateSpec,
  TensorSpec,
} from "../src/protocol/model-metadata.ts";
import type {
  SchwiftFacts,
  StateTensor,
  StreamSettings,
  TritonFacts,
} from "../src/protocol/model-settings.ts";
import { slice, stack } from "../src/tensors/stacking.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import { type BatchAxes, hypothesize } from "./batch-hypotheses.ts";
import type { Engine, LoadedModel, ModelInterface, NamedTensor, ValueInfo } from "./engine.ts";
import { grownAxis, isClose } from "./row-comparison.ts";
import { freeSizes, integerRanges, type SampleSizes, sampleRows } from "./sample-inputs.ts";
import { checkSchwift } from "./schwift-check.ts";
import { pairAsConfigured, pairByName } from "./state-pairs.ts";
import { confirmState } from "./state-trial.ts";
import { resolveStream } from "./stream-spec.ts";
import { copyOf, tryRun } from "./trial-run.ts";
import { checkDeclared } from "./triton-check.ts";

interface Verdict {
  readonly batching: Batching;
  readonly inputAxes: BatchAxes;
  readonly outputAxes: BatchAxes;
}

export interface TrialOptions {
  readonly maxBatchSize: number;
  readonly skip: string | null;
  /** Null leaves it to the trial. */
  readonly state: readonly StateTensor[] | null;
  readonly stream: StreamSettings | null;
  readonly triton?: TritonFacts;
  readonly schwift?: SchwiftFacts;
}

/**
 * A model whose trial goes wrong is served unbatched, and says why. Throws `invalid-model` only where its configuration
 * names a state or a stream that it cannot have, or declares
 * other tensors than it has.
 */
export async function describe(
  engine: Engine,
  model: LoadedModel,
  options: TrialOptions,
): Promise<ModelMetadata> {
  if (options.triton !== undefined) checkDeclared(model, options.triton);
  if (options.schwift !== undefined) checkSchwift(model, options.schwift);
  const outputs = model.outputs.filter((output) => output.datatype !== null);
  const servable = { inputs: model.inputs, outputs };
  const configured = options.state && pairAsConfigured(servable, options.state);
  const tried = await windowed(engine, servable, options);
  const verdict = await judge(engine, tried, options);
  const inputs = servable.inputs.map((input, at) => specOf(input, verdict.inputAxes[at] ?? null));
  if (configured) checkAxes(configured, verdict);
  const state = configured ?? (await findState(engine, tried, options, verdict));
  return {
    inputs,
    outputs: outputs.map((output, at) => specOf(output, verdict.outputAxes[at] ?? null)),
    batching: verdict.batching,
    notServable: model.outputs
      .filter((output) => output.datatype === null)
      .map(({ name, kind }) => ({ name, reason: `it is ${kind}, which cannot be served` })),
    state,
    stream: options.stream && resolveStream(options.stream, inputs, state),
    externalFiles: model.externalFiles,
  };
}

/** Rows that come out along one axis cannot go in along another. */
function checkAxes(
  pairs: readonly StateSpec[],
  { batching, inputAxes, outputAxes }: Verdict,
): void {
  if (batching.type !== "batched") return;
  const wrong = pairs.findIndex(({ input, output }) => inputAxes[input] !== outputAxes[output]);
  if (wrong < 0) return;
  const words = `state[${wrong}] cannot be fed back: its rows lie along another axis where it comes out`;
  throw new TroupeError("invalid-model", words);
}

/**
 * The model as its stream feeds it. Throws `invalid-model` where it takes made-up rows, but none with windows of that
 * size.
 */
async function windowed(
  engine: Engine,
  model: ModelInterface,
  { stream, skip }: TrialOptions,
): Promise<ModelInterface> {
  if (stream === null) return model;
  const inputs = model.inputs.map((input) =>
    input.name === stream.input
      ? { ...input, dims: [...input.dims.slice(0, -1), stream.window] }
      : input,
  );
  const cut = { ...model, inputs };
  if (skip !== null || (await takesSome(engine, cut)) || !(await takesSome(engine, model)))
    return cut;
  const words = `stream.window of ${stream.window}: the model takes other sizes, but refuses this one`;
  throw new TroupeError("invalid-model", words);
}

async function takesSome(engine: Engine, model: ModelInterface): Promise<boolean> {
  for (const integersBelow of integerRanges) {
    const sizes = { axes: model.inputs.map(() => null), rows: 1, integersBelow };
    if ((await takenSizes(engine, model, sizes)) !== undefined) return true;
  }
  return false;
}

async function findState(
  engine: Engine,
  model: ModelInterface,
  { skip }: TrialOptions,
  verdict: Verdict,
): Promise<readonly StateSpec[]> {
  return skip === null ? confirmState(engine, model, pairByName(model), verdict) : [];
}

function specOf(value: ValueInfo, batchAxis: number | null): TensorSpec {
  const shape = value.dims.map((dim, axis) => specSize(dim, axis === batchAxis));
  return { name: value.name, datatype: value.datatype ?? "FP32", shape, batchAxis };
}

/** An axis whose one fixed size is 1 keeps it, though rows stand there. */
function specSize(dim: number | string, isBatchAxis: boolean): number {
  if (typeof dim === "string") return -1;
  return isBatchAxis && dim !== 1 ? -1 : dim;
}

async function judge(
  engine: Engine,
  model: ModelInterface,
  options: TrialOptions,
): Promise<Verdict> {
  const hypotheses = hypothesize(model);
  if (hypotheses.type === "none") return unbatched(hypotheses.reason);
  if (hypotheses.type === "one-by-one") return oneByOne(model, hypotheses.reason);
  if (options.skip !== null) return unbatched(options.skip);
  if (options.triton?.batched === false) return unbatched("max_batch_size in config.pbtxt is 0");
  let reason = "no axis was found";
  for (const axes of hypotheses.candidates) {
    const outcome = await attempt(engine, model, axes);
    if (typeof outcome !== "string") {
      const batching: Batching = { type: "batched", maxBatchSize: options.maxBatchSize };
      return { batching, inputAxes: axes, outputAxes: outcome };
    }
    reason = outcome;
  }
  return unbatched(reason);
}

function unbatched(reason: string): Verdict {
  return { batching: { type: "unbatched", reason }, inputAxes: [], outputAxes: [] };
}

function oneByOne(model: ModelInterface, reason: string): Verdict {
  return {
    batching: { type: "one-by-one", reason },
    inputAxes: model.inputs.map((input) => (input.dims.length === 0 ? null : 0)),
    outputAxes: model.outputs.map(() => 0),
  };
}

/** The batch axis of each output, or why these axes do not work. */
async function attempt(
  engine: Engine,
  model: ModelInterface,
  axes: BatchAxes,
): Promise<BatchAxes | string> {
  let refusal = "ONNX Runtime took none of the inputs that the trial made up";
  for (const integersBelow of integerRanges) {
    const sizes = await takenSizes(engine, model, { axes, rows: 1, integersBelow });
    if (sizes === undefined) continue;
    const outcome = await compareRuns(engine, model, sizes);
    if (typeof outcome !== "string") return outcome;
    refusal = outcome;
  }
  return refusal;
}

type Sizes = SampleSizes & { readonly axes: BatchAxes };

/** With the first of the sizes for free axes that the model takes. */
async function takenSizes(
  engine: Engine,
  model: ModelInterface,
  sizes: Omit<Sizes, "freeSize">,
): Promise<Sizes | undefined> {
  for (const freeSize of freeSizes) {
    const tried = { ...sizes, freeSize };
    const row = sampleRows(model, tried, 1);
    if ((await tryRun(engine, model, row)) !== undefined) return tried;
  }
  return undefined;
}

async function compareRuns(
  engine: Engine,
  model: ModelInterface,
  sizes: Sizes,
): Promise<BatchAxes | string> {
  const rows = [1, 2].map((seed) => sampleRows(model, sizes, seed));
  const [first, second] = await runEach(engine, model, rows);
  if (first === undefined || second === undefined) return "ONNX Runtime refuses some rows";
  const both = await runTogether(engine, model, rows, sizes.axes);
  if (both === undefined) return "ONNX Runtime refuses two rows in one run";
  return compare(model, [first, second], both);
}

type Outputs = readonly Tensor[];

async function runEach(
  engine: Engine,
  model: ModelInterface,
  rows: readonly NamedTensor[][],
): Promise<(Outputs | undefined)[]> {
  const results: (Outputs | undefined)[] = [];
  for (const row of rows) results.push(await tryRun(engine, model, row.map(copyOf)));
  return results;
}

function runTogether(
  engine: Engine,
  model: ModelInterface,
  rows: readonly NamedTensor[][],
  axes: BatchAxes,
): Promise<Outputs | undefined> {
  const inputs = model.inputs.map((input, at): NamedTensor => {
    const axis = axes[at] ?? null;
    const tensors = rows.map((row) => row[at] as NamedTensor);
    if (axis === null) return copyOf(tensors[0] as NamedTensor);
    const parts = tensors.map((tensor) => ({ tensor, fromRow: 0, rows: 1 }));
    return { ...stack(parts, axis), name: input.name };
  });
  return tryRun(engine, model, inputs);
}

function compare(
  model: ModelInterface,
  singles: readonly [Outputs, Outputs],
  both: Outputs,
): BatchAxes | string {
  const axes: number[] = [];
  for (const [at, { name }] of model.outputs.entries()) {
    const together = both[at] as Tensor;
    const axis = grownAxis((singles[0][at] as Tensor).shape, together.shape);
    if (axis === undefined) return `output '${name}' does not grow with the number of rows`;
    for (const [row, single] of singles.entries()) {
      if (!isClose(slice(together, axis, row, 1), single[at] as Tensor)) {
        return `output '${name}' of a row changes when another row runs beside it`;
      }
    }
    axes.push(axis);
  }
  return axes;
}
