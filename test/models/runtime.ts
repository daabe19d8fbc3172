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

export async function runSession(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Answer>> {
  const outputs = await session.run(feeds, { logSeverityLevel: 4 });
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [
      name,
      { dims, values: Array.from(data as ArrayLike<unknown>) },
    ]),
  );
}

/** Loads the model, runs it once and lets go of it. */
export async function runModel(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Answer>> {
  const session = await openModel(bytes);
  try {
    return await runSession(session, feeds);
  } finally {
    await session.release();
  }
}
