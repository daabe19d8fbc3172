/* The keys of a model.yaml, as JSON Schema of a patch of it: each may be null, which takes it away. */
import { executionProviders, graphOptimizations, streamPads } from "../protocol/model-settings.ts";
import {
  anyObject,
  list,
  nullableCount,
  nullableNumber,
  nullableText,
  type Schema,
  text,
} from "./openapi-schema.ts";

const nullableFlag = { type: ["boolean", "null"] };

function section(properties: Schema): Schema {
  return { type: ["object", "null"], properties, additionalProperties: false };
}

function nullableList(items: Schema): Schema {
  return { type: ["array", "null"], items };
}

function choice(names: readonly string[]): Schema {
  return { enum: [...names, null] };
}

const request = { features: {}, inputs: { type: ["object", "array"] } };

export const configPatch: Schema = {
  ...section({
    description: nullableText,
    batching: section({ max_batch_size: nullableCount, max_queue_delay_ms: nullableCount }),
    objective: section({ p99_ms: nullableCount }),
    queue: section({
      max_rows: nullableCount,
      max_bytes: nullableCount,
      max_sequences: nullableCount,
      max_state_bytes: nullableCount,
    }),
    timeouts: section({
      request_ms: nullableCount,
      run_ms: nullableCount,
      load_ms: nullableCount,
      sequence_idle_ms: nullableCount,
    }),
    breaker: section({
      error_threshold_percent: nullableCount,
      min_requests: nullableCount,
      window_ms: nullableCount,
      reset_ms: nullableCount,
    }),
    restart: section({
      intensity: nullableCount,
      period_ms: nullableCount,
      min_backoff_ms: nullableCount,
      max_backoff_ms: nullableCount,
    }),
    session: section({
      threads: nullableCount,
      execution_providers: nullableList({ enum: executionProviders }),
      graph_optimization: choice(graphOptimizations),
    }),
    replicas: nullableCount,
    versions: {
      anyOf: [
        section({ latest: nullableCount }),
        list({ type: ["string", "integer"] }),
        { const: "all" },
      ],
    },
    required: nullableFlag,
    labels: nullableList(text),
    state: nullableList({
      type: "object",
      required: ["input", "output"],
      properties: { input: text, output: text, initial: { type: ["string", "number", "array"] } },
    }),
    stream: section({
      input: nullableText,
      window: nullableCount,
      hop: nullableCount,
      pad: choice(streamPads),
    }),
    defaults: {
      type: ["object", "null"],
      additionalProperties: { type: ["number", "boolean", "string", "null"] },
    },
    default_version: { type: ["string", "integer", "null"] },
    warmup: nullableList({ type: "object", properties: request }),
    golden: nullableList({
      type: "object",
      required: ["outputs"],
      properties: { ...request, outputs: anyObject, tolerance: nullableNumber },
    }),
    limits: section({ memory_mb: nullableCount }),
    bake_ms: nullableCount,
  }),
  type: "object",
};
