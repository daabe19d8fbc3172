/* What the supervisor and the hosts write as text, as JSON Schema; answers that Fastify writes have theirs in answer-schemas.ts. */
import {
  anyObject,
  count,
  flag,
  list,
  nullableCount,
  nullableText,
  number,
  ref,
  type Schema,
  text,
  whole,
} from "./openapi-schema.ts";
import { traceSetting, traces } from "./openapi-traces.ts";
import { processTree } from "./openapi-tree.ts";

const tensorSpecs = {
  type: ["array", "null"],
  items: whole({ name: text, datatype: text, shape: list({ type: "integer", minimum: -1 }) }),
};

const found = {
  kind: { enum: ["stateless", "sequence", "signal", null] },
  inputs: tensorSpecs,
  outputs: tensorSpecs,
  batching: { type: ["object", "null"] },
};

const memory = whole({ rss_bytes: nullableCount, limit_bytes: nullableCount });

const file = {
  path: nullableText,
  digest: nullableText,
  size_bytes: nullableCount,
  created_at: nullableText,
};

const versionState = {
  enum: ["loading", "ready", "recovering", "draining", "unloaded", "unavailable"],
};

const nexusTensors = list(
  whole({ name: text, dtype: count, shape: list({ type: "integer", minimum: -1 }) }),
);

const platformDone = whole({
  success: { const: true },
  result: anyObject,
  model_used: text,
  latency_ms: number,
  request_id: text,
  timestamp: text,
  metadata: anyObject,
});

const platformFailed = whole(
  {
    success: { const: false },
    error: text,
    code: text,
    latency_ms: number,
    request_id: text,
    timestamp: text,
  },
  { retry_after_ms: count },
);

const versionFields = {
  version: text,
  state: versionState,
  reason: nullableText,
  is_loaded: flag,
  ...found,
  replicas: count,
  memory,
  ...file,
};

const modelFields = {
  id: text,
  name: text,
  version: nullableText,
  parameters: anyObject,
  type: text,
  description: text,
  is_loaded: flag,
  state: versionState,
  reason: nullableText,
  change: nullableText,
  rollout: nullableText,
  default: nullableText,
  versions: list(ref("version")),
  ...found,
  replicas: whole({ wanted: count, ready: count }),
  memory,
  ...file,
};

const timed = whole({ count, ns: count });
const timedRun = { compute_input: timed, compute_infer: timed, compute_output: timed };

const versionStatistics = whole({
  name: text,
  version: text,
  last_inference: count,
  inference_count: count,
  execution_count: count,
  inference_stats: whole({
    success: timed,
    fail: timed,
    queue: timed,
    ...timedRun,
    cache_hit: timed,
    cache_miss: timed,
  }),
  response_stats: anyObject,
  batch_stats: list(whole({ batch_size: count, ...timedRun })),
  memory_usage: list(whole({ type: text, id: count, byte_size: count })),
});

const modelConfig = {
  type: "object",
  required: ["name", "platform", "backend", "max_batch_size", "input", "output"],
  properties: { name: text, platform: text, backend: text, max_batch_size: count },
};

const v2Output = whole(
  { name: text, datatype: text, shape: list(count) },
  { data: { type: "array" }, parameters: anyObject },
);

const nexusInfo = { inputs: nexusTensors, outputs: nexusTensors };

/** Of the routes of neighbouring servers. */
const neighbourAnswers = {
  nexus_prediction: whole(
    {
      ...{ model_id: text, request_id: text, prediction: { type: "array" } },
      ...{ latency_ms: number, timestamp: text },
    },
    { confidence: number, warnings: list(text) },
  ),
  nexus_upload: whole({
    done: { const: "upload" },
    name: text,
    id: text,
    ...versionFields,
    model: whole({ id: text, name: text, version: text, path: nullableText }),
    info: whole(nexusInfo),
  }),
  models_info: {
    anyOf: [whole({ id: text, name: text, version: text, ...nexusInfo }), ref("model")],
  },
  available_models: list(
    whole({
      name: text,
      backend: text,
      dtype: nullableText,
      input_shape: { type: ["array", "null"] },
      output_shape: { type: ["array", "null"] },
    }),
  ),
  platform_answer: platformDone,
  platform_answers: list({ anyOf: [platformDone, platformFailed] }),
  platform_live: whole({ status: { const: "alive" } }),
  platform_ready: whole({ status: { enum: ["ready", "not_ready"] }, reasons: list(text) }),
  host_logs: whole({ id: text, logs: true }),
  platform_metrics: whole({
    total_requests: count,
    successful_requests: count,
    failed_requests: count,
    average_latency_ms: number,
    requests_per_model: { type: "object", additionalProperties: count },
    timestamp: text,
  }),
} as const satisfies Readonly<Record<string, Schema>>;

/** By name, under `components/schemas`. */
export const answerSchemas = {
  tree: processTree,
  version: whole(versionFields),
  model_version: whole({ id: text, ...versionFields }),
  model: whole(modelFields),
  models: whole({ models: list(ref("model")), count }),
  uploaded: whole({ done: { const: "upload" }, name: text, id: text, ...versionFields }),
  changed: whole({ ...modelFields, done: text, message: text }),
  changed_or_deleted: {
    anyOf: [
      ref("changed"),
      whole({
        id: text,
        done: { const: "delete" },
        version: nullableText,
        message: text,
        state: text,
      }),
    ],
  },
  config: whole(
    { id: text, config: anyObject, from: { type: "object", additionalProperties: text } },
    { warnings: list(text) },
  ),
  triton_config: modelConfig,
  statistics: whole({ model_stats: list(versionStatistics) }),
  repository_index: list(whole({ name: text }, { version: text, state: text, reason: text })),
  trace_setting: traceSetting,
  traces,
  logging: whole({
    log_file: text,
    log_info: flag,
    log_warning: flag,
    log_error: flag,
    log_verbose_level: count,
    log_format: text,
  }),
  signs: whole({ name: text, version: text, see: list(text) }),
  models_or_list: { anyOf: [ref("models"), list(ref("model"))] },
  ...neighbourAnswers,
  prediction: whole(
    { model: text, version: text, predictions: true, request_id: text },
    {
      outputs: { type: "object", additionalProperties: anyObject },
      labels: list(whole({ label: text, score: number })),
      warnings: list(text),
    },
  ),
  v2_answer: whole(
    { model_name: text, model_version: text, outputs: list(v2Output) },
    { id: text, parameters: anyObject },
  ),
} as const satisfies Readonly<Record<string, Schema>>;

export type AnswerName = keyof typeof answerSchemas;
