import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";

/** Of a model about which nothing matters. */
export const metadata: ModelMetadata = {
  inputs: [],
  outputs: [],
  batching: { type: "unbatched", reason: "" },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
};
