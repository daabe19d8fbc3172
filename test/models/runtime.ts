import type { InferenceSession, Tensor } from "onnxruntime-node";

// ONNX Runtime reads it while it is loaded, so before the import.
process.env["ORT_DISABLE_TELEMETRY"] = "1";
const runtime = await import("onnxruntime-node");

export function tensor(
  type: Tensor.Type,
  data: Tensor.DataType | readonly unknown[],
  dims: readonly number[],
): Tensor {
  return new runtime.Tensor(type, data as Tensor.DataType, dims);
}

export function openModel(bytes: Uint8Array): Promise<InferenceSession> {
  return runtime.InferenceSession.create(bytes, {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
}

export interface Answer {
  readonly dims: readonly number[];
  readonly values: readonly unknown[];
}

type Feeds = Readonly<Record<string, Tensor>>;

export async function runSession(
  session: InferenceSession,
  feeds: Feeds,
): Promise<Record<string, Answer>> {
  return read(await session.run(feeds, { logSeverityLevel: 4 }));
}

function read(outputs: Feeds): Record<string, Answer> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [
      name,
      { dims, values: Array.from(data as ArrayLike<unknown>) },
    ]),
  );
}

/** Loads the model, runs it once and lets go of it. */
export async function runModel(bytes: Uint8Array, feeds: Feeds): Promise<Record<string, Answer>> {
  const session = await openModel(bytes);
  try {
    return await runSession(session, feeds);
  } finally {
    await session.release();
  }
}

interface Memory {
  /** For each input that is state what the first frame is run with. */
  readonly first: Feeds;
  /** For each of them the output that the next frame is run with. */
  readonly next: Readonly<Record<string, string>>;
}

/** Runs the frames in turn, and feeds each what the one before has left; one answer for each. */
export async function runFrames(
  bytes: Uint8Array,
  frames: readonly Feeds[],
  { first, next }: Memory,
): Promise<readonly Record<string, Answer>[]> {
  const session = await openModel(bytes);
  const answers: Record<string, Answer>[] = [];
  let state = first;
  try {
    for (const frame of frames) {
      const outputs = await session.run({ ...frame, ...state }, { logSeverityLevel: 4 });
      answers.push(read(outputs));
      state = Object.fromEntries(
        Object.entries(next).map(([input, output]) => [input, outputs[output] as Tensor]),
      );
    }
    return answers;
  } finally {
    await session.release();
  }
}

/** The inputs, then the outputs, as `x float32 [batch,2]`. */
export async function signature(bytes: Uint8Array): Promise<readonly (readonly string[])[]> {
  const session = await openModel(bytes);
  const { inputMetadata, outputMetadata } = session;
  await session.release();
  return [inputMetadata, outputMetadata].map((values) =>
    values.map((value) => {
      if (!value.isTensor) throw new Error(`${value.name} is no tensor`);
      return `${value.name} ${value.type} [${value.shape}]`;
    }),
  );
}
