import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import type { ModelView, VersionView } from "../../src/protocol/views.ts";

export const metadata: ModelMetadata = {
  inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4], batchAxis: 0 }],
  outputs: [{ name: "y", datatype: "FP32", shape: [-1, 3], batchAxis: 0 }],
  batching: { type: "batched", maxBatchSize: 8 },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
};

export function version(fields: Partial<VersionView> = {}): VersionView {
  return {
    version: "1",
    state: "ready",
    reason: null,
    backAt: null,
    metadata,
    hosts: [],
    ...fields,
  };
}

export function model(fields: Partial<ModelView> = {}): ModelView {
  return {
    name: "iris",
    description: "",
    labels: [],
    required: false,
    requestMs: null,
    maxOutstandingRequests: 100,
    maxOutstandingBytes: 1_000_000,
    maxSequences: 100,
    defaultVersion: null,
    defaults: {},
    versions: [version()],
    problem: null,
    drift: null,
    ...fields,
  };
}
