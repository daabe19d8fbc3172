/* A model as V2 requests know it: one input of two columns, and the outputs that a test is about. */
import type { Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";

export function spec(name: string, datatype: Datatype = "FP32"): TensorSpec {
  return { name, datatype, shape: [-1, 2], batchAxis: 0 };
}

export function model(...outputs: TensorSpec[]): ServedModel {
  const batching = { type: "batched", maxBatchSize: 8 } as const;
  const memory = { state: [], stream: null };
  const metadata = {
    inputs: [spec("x")],
    outputs,
    batching,
    notServable: [],
    externalFiles: [],
    ...memory,
  };
  return { name: "m", version: "3", metadata, labels: ["a", "b"], standIns: [null] };
}
