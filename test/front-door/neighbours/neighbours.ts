import { plainRoutes } from "../../../src/front-door/plain-routes.ts";
import type { ModelMetadata } from "../../../src/protocol/model-metadata.ts";
import type { Question } from "../../../src/protocol/questions.ts";
import { doorParts, model } from "../door-parts.ts";

const metadata: ModelMetadata = {
  inputs: [{ name: "x", datatype: "FP64", shape: [-1, 4], batchAxis: 0 }],
  outputs: [{ name: "y", datatype: "INT64", shape: [-1], batchAxis: 0 }],
  batching: { type: "batched", maxBatchSize: 64 },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
};

/** The routes of a door that has the model `m`, version 1. */
export function neighbours() {
  const parts = doorParts();
  parts.directory.update(model("m", { metadata }));
  const ask = async (question: Question) => JSON.stringify(question);
  const app = plainRoutes({ ...parts, ask, tell: () => undefined, isDraining: () => false });
  return { ...parts, app };
}
