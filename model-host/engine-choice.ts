/*
 * Which engine serves a model. A thread of its own is the rule, because a run cannot be interrupted. Only a model that
 * cannot take long, whatever it is asked, may run on the host's main thread, and only if it is measured to be far
 * cheaper than the hop (p50 at one connection about 0.18 ms against 0.27, in short and noisy runs).
 */
import type { NamedFile, TrialResult } from "../src/protocol/control.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { SessionSettings } from "../src/protocol/model-settings.ts";
import type { EnginePlace } from "../src/protocol/views.ts";
import type { LoadedModel, OwnedEngine } from "./engine.ts";
import { longestOnMainMs } from "./engine-review.ts";
import { scanOperators } from "./graph-scan.ts";
import { InlineEngine } from "./inline-engine.ts";
import { openRegular } from "./model-file.ts";
import { ThreadEngine } from "./thread-engine.ts";
import { leastMs, type Timed } from "./timed-run.ts";
import { describe, type TrialOptions } from "./trial.ts";

export interface LoadedEngine {
  readonly engine: OwnedEngine;
  readonly place: EnginePlace;
  /** The other thread might do as well, if serving shows it. */
  readonly mayMove: boolean;
  readonly model: LoadedModel;
  readonly metadata: ModelMetadata;
  /** It has run batches of every size that warm-up would run. */
  readonly isWarm: boolean;
}

export interface EngineOptions {
  readonly file: string;
  readonly beside: readonly NamedFile[];
  readonly settings: SessionSettings;
  readonly trial: TrialOptions;
  readonly onDeath: (reason: string) => void;
  /** A session is there, and the trial begins; told once, though a second engine may be tried after the first. */
  readonly onLoaded: () => Promise<void>;
  /** Why it did not do for the main thread when it was loaded before. */
  readonly slow?: string | null;
  /** One whose thread is starting already, as the host before needed it. */
  readonly started?: ThreadEngine | undefined;
  /** Stands in place of a trial, if the files are still those that were tried. */
  readonly known?: TrialResult | null;
  readonly onTried?: (result: TrialResult) => unknown;
  /** It does not do for the main thread. */
  readonly onSlow?: (reason: string) => unknown;
}

const maxInlineBytes = 1_048_576;

/** Operators whose time follows from the shapes of their inputs alone. */
const boundedOperators: ReadonlySet<string> = new Set([
  "Abs",
  "Add",
  "ArgMax",
  "ArgMin",
  "AveragePool",
  "BatchNormalization",
  "Cast",
  "Clip",
  "Concat",
  "Constant",
  "Conv",
  "Div",
  "Dropout",
  "Elu",
  "Exp",
  "Flatten",
  "Gemm",
  "GlobalAveragePool",
  "Greater",
  "HardSigmoid",
  "Identity",
  "LeakyRelu",
  "LinearClassifier",
  "LinearRegressor",
  "Log",
  "LogSoftmax",
  "MatMul",
  "Max",
  "MaxPool",
  "Min",
  "Mul",
  "Neg",
  "Normalizer",
  "PRelu",
  "Relu",
  "Scaler",
  "Sigmoid",
  "Softmax",
  "Softplus",
  "Sqrt",
  "Squeeze",
  "Sub",
  "Sum",
  "Tanh",
  "Transpose",
  "TreeEnsembleClassifier",
  "TreeEnsembleRegressor",
  "Unsqueeze",
  "Where",
]);

export async function chooseEngine(options: EngineOptions): Promise<LoadedEngine> {
  const tried = (await ruledOut(options)) ?? (await tryInline(options));
  return "engine" in tried ? tried : onThread(options, tried);
}

/** Why the thread is to do it; a model that is known is not tried again. */
interface NotInline {
  readonly reason: string;
  /** Another trial may end otherwise. */
  readonly mayMove: boolean;
  readonly tried?: Found;
}

/** What was found out of files, and which these were. */
type Found = Pick<TrialResult, "stamp" | "metadata">;

/** Undefined where the main thread is to try it. */
async function ruledOut(options: EngineOptions): Promise<NotInline | undefined> {
  if (typeof options.slow === "string") return { reason: options.slow, mayMove: true };
  const obstacle = await obstacleOf(options);
  if (obstacle !== undefined) return { reason: obstacle, mayMove: false };
  if (options.started === undefined) return undefined;
  return { reason: "the host before it ran it on a thread of its own", mayMove: true };
}

async function onThread(
  options: EngineOptions,
  { reason, mayMove, tried }: NotInline,
): Promise<LoadedEngine> {
  const engine = options.started ?? new ThreadEngine(options.onDeath);
  const model = await engine.load(options.file, options.settings, options.beside);
  let metadata = knownOf(tried ?? options.known, model);
  if (tried === undefined && metadata === undefined) {
    await options.onLoaded();
    metadata = await tryOut(engine, model, options);
  }
  // Replaced since the other thread tried them: what is found now is told nobody, as each is told once.
  metadata ??= await describe(engine, model, options.trial);
  return { engine, model, metadata, place: { thread: "own", reason }, mayMove, isWarm: false };
}

/**
 * Undefined where no host has tried these files before. A trial is 0.04 of a restart where a model is small (15
 * alternating starts, 2026-11-26), and several runs of it where it is slow.
 */
function knownOf(
  found: Found | null | undefined,
  { stamp }: LoadedModel,
): ModelMetadata | undefined {
  return found?.stamp === stamp ? found.metadata : undefined;
}

async function tryOut(
  engine: OwnedEngine,
  model: LoadedModel,
  options: EngineOptions,
): Promise<ModelMetadata> {
  const { trial, onTried } = options;
  const metadata = await describe(engine, model, trial);
  const { stamp } = model;
  if (trial.skip === null) onTried?.({ stamp, metadata, onThread: engine instanceof ThreadEngine });
  return metadata;
}

/** What is wrong with the model is said by the thread. */
async function tryInline(options: EngineOptions): Promise<LoadedEngine | NotInline> {
  const engine = new InlineEngine();
  const { file, settings, beside } = options;
  const model = await engine.load(file, settings, beside).catch(() => undefined);
  if (model === undefined) return { reason: "the main thread could not load it", mayMove: false };
  // Whether it is known or not: what its runs do to this thread is limited, and held against the trial.
  await options.onLoaded();
  const metadata = knownOf(options.known, model) ?? (await tryOut(engine, model, options));
  const unfit = shapeObstacle(metadata);
  const slow = unfit ?? (await slowReason({ engine, model, metadata }, longestOnMainMs));
  if (slow === undefined) return { ...inlineParts, engine, model, metadata };
  await engine.close();
  options.onSlow?.(slow);
  const tried = { stamp: model.stamp, metadata };
  return { reason: slow, mayMove: unfit === undefined, tried };
}

const inlineParts = {
  place: {
    thread: "main",
    reason: `a full batch took no more than ${longestOnMainMs} ms in a trial`,
  },
  mayMove: true,
  isWarm: true,
} as const;

/** What keeps a model off the main thread, however short its runs are; undefined where nothing does. */
export async function obstacleOf({
  file,
  settings,
  trial,
}: Pick<EngineOptions, "file" | "settings" | "trial">): Promise<string | undefined> {
  if (trial.skip !== null) return trial.skip;
  if (!isPlainCpu(settings)) return "its session has threads or a provider of its own";
  return fileObstacle(file).catch(() => hidden);
}

export function shapeObstacle(metadata: ModelMetadata): string | undefined {
  return hasBoundedShapes(metadata)
    ? undefined
    : "its rows have no fixed size, or stand in no batch";
}

/** Why a loaded model does not do for the main thread; undefined where it does. */
export async function slowReason(timed: Timed, mostMs: number): Promise<string | undefined> {
  if (await isQuick(timed, mostMs)) return undefined;
  return `a full batch took more than ${mostMs} ms in a trial`;
}

/**
 * Whether a full batch stays under the limit. Rows are doubled from one, so that a heavy model is known by its first
 * runs; one that refuses the made-up rows may yet take real ones, on its thread.
 */
async function isQuick(timed: Timed, mostMs: number): Promise<boolean> {
  const { batching } = timed.metadata;
  const most = batching.type === "batched" ? batching.maxBatchSize : 1;
  for (let rows = 1; ; rows = Math.min(rows * 2, most)) {
    const ms = await leastMs(timed, { rows, freeSize: 1 });
    if (ms === undefined || ms > mostMs) return false;
    if (rows === most) return true;
  }
}

/** Threads of ONNX Runtime's own would stand against the main thread. */
function isPlainCpu({ threads, executionProviders }: SessionSettings): boolean {
  return threads === 1 && executionProviders.every((provider) => provider === "cpu");
}

const hidden = "its operators cannot be told from its file";

async function fileObstacle(file: string): Promise<string | undefined> {
  const handle = await openRegular(file, "the model");
  try {
    const { size } = await handle.stat();
    if (size > maxInlineBytes) return `its file has ${size} bytes, more than ${maxInlineBytes}`;
    const operators = scanOperators(await handle.readFile());
    return operators === undefined ? hidden : operatorObstacle(operators);
  } finally {
    await handle.close();
  }
}

const mostNamed = 3;
/** A file may call them anything. */
const longestName = 64;

function operatorObstacle(operators: ReadonlySet<string>): string | undefined {
  const unbounded = [...operators].filter((name) => !boundedOperators.has(name)).toSorted();
  if (unbounded.length === 0) return undefined;
  const names = unbounded.slice(0, mostNamed).map((name) => name.slice(0, longestName));
  const more = unbounded.length > mostNamed ? ` and ${unbounded.length - mostNamed} more` : "";
  return `it has operators whose time does not follow from shapes: ${names.join(", ")}${more}`;
}

/** Every size but the number of rows is fixed, and no text is of any length. */
export function hasBoundedShapes({ inputs, batching }: ModelMetadata): boolean {
  if (batching.type === "unbatched") return false;
  return inputs.every(
    ({ datatype, shape, batchAxis }) =>
      datatype !== "BYTES" && shape.every((size, axis) => size >= 0 || axis === batchAxis),
  );
}
