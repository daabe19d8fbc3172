/* Every key of Triton's ModelConfig, and what becomes of it here. */
import { boolean, fault, integer, readText, refuse } from "./config-field.ts";
import { quote, shorten } from "./quote.ts";
import {
  harmless,
  message,
  messages,
  type Rule,
  type Rules,
  readMessage,
  refused,
  refusedUnless,
  value,
  warned,
  warnedUnless,
} from "./triton-draft.ts";
import { input, output, states } from "./triton-tensors.ts";
import { warmups } from "./triton-warmup.ts";

const maxCount = 1_000_000;
const maxVersions = 1000;
const weekUs = 604_800_000_000;
/** Whole milliseconds are what Troupe counts. */
function microseconds(key: string, isOff: "zero-is-off" | "zero-holds"): Rule {
  return value(integer(0, 0, weekUs).read, (us, { place, line }, draft) => {
    if (us === 0 && isOff === "zero-is-off") return;
    const ms = Math.max(isOff === "zero-is-off" ? 1 : 0, Math.round(us / 1000));
    if (ms * 1000 !== us)
      draft.warn(place, line, `Troupe counts milliseconds, and takes ${ms} of them`);
    draft.put(key, ms, line);
  });
}

const queueDelay = microseconds("batching.max_queue_delay_ms", "zero-holds");
const preferredSizes = warned("Troupe finds by measuring which sizes of a batch pay");

const queuePolicyKeys: Rules = {
  timeout_action: ({ values: [node], place, line }, draft) => {
    const action = node.type === "scalar" ? node.text : "";
    if (action !== "REJECT" && action !== "DELAY") throw refuse(node, place, "REJECT or DELAY");
    draft.delaysTimedOut = action === "DELAY";
    if (draft.delaysTimedOut)
      draft.warn(place, line, "Troupe sets no deadline, so that nothing is refused for it");
  },
  default_timeout_microseconds: (field, draft) => {
    if (!draft.delaysTimedOut) microseconds("timeouts.request_ms", "zero-is-off")(field, draft);
  },
  allow_timeout_override: warnedUnless("true", "a request may always name its own deadline"),
  max_queue_size: value(integer(0, 0, maxCount).read, (size, { line }, draft) => {
    // Requests there, rows here.
    const rows = Math.min(maxCount, size * Math.max(1, draft.maxBatchSize));
    if (size > 0) draft.put("queue.max_rows", rows, line);
  }),
};

const dynamicBatchingKeys: Rules = {
  preferred_batch_size: preferredSizes,
  max_queue_delay_microseconds: queueDelay,
  preserve_ordering: warnedUnless("false", "every request is answered as soon as it has run"),
  priority_levels: warnedUnless(
    "0",
    "Troupe's levels are 1, which is normal, and those above, which are low",
  ),
  default_priority_level: warnedUnless("0", "requests without a priority are normal"),
  default_queue_policy: message(queuePolicyKeys),
  priority_queue_policy: warned("requests of all priorities wait in one queue a host"),
};

const fedControls = "feeds the model what Troupe does not: starts, ends and ids of sequences";

const sequenceKeys: Rules = {
  max_sequence_idle_microseconds: microseconds("timeouts.sequence_idle_ms", "zero-is-off"),
  control_input: refused(fedControls),
  state: states,
  iterative_sequence: refusedUnless(
    "false",
    "runs a request again and again, which Troupe does not",
  ),
  generative_sequence: refusedUnless(
    "false",
    "runs a request again and again, which Troupe does not",
  ),
  direct: message({
    max_queue_delay_microseconds: queueDelay,
    minimum_slot_utilization: warned("Troupe runs what is there once the delay is over"),
  }),
  oldest: message({
    max_candidate_sequences: warned("queue.max_sequences bounds them, the next one is shed"),
    preferred_batch_size: preferredSizes,
    max_queue_delay_microseconds: queueDelay,
    preserve_ordering: warnedUnless(
      "false",
      "frames of one sequence keep their order, and no others",
    ),
  }),
};

const kinds = ["KIND_AUTO", "KIND_CPU", "KIND_GPU", "KIND_MODEL"];

const instanceKeys: Rules = {
  name: harmless,
  count: harmless,
  kind: ({ values: [node], place, line }, draft) => {
    const kind = node.type === "scalar" ? node.text : "";
    if (!kinds.includes(kind)) throw refuse(node, place, `one of ${kinds.join(", ")}`);
    if (kind === "KIND_AUTO" || kind === "KIND_CPU") return;
    draft.warn(
      place,
      line,
      "hosts run on the CPU; session.execution_providers in model.yaml names others",
    );
  },
  gpus: warned("hosts run on the CPU"),
  secondary_devices: warned("hosts run on the CPU"),
  profile: warned("profiles are TensorRT's"),
  passive: warnedUnless("false", "every host serves"),
  rate_limiter: warned("a host runs as soon as it has work"),
  host_policy: warned("hosts are bound to no part of the machine"),
};

const instanceGroups: Rule = (field, draft) => {
  messages(instanceKeys)(field, draft);
  let replicas = 0;
  const count: Rule = value(integer(1, 0, 64).read, (hosts) => {
    replicas += Math.max(1, hosts) - 1;
  });
  for (const node of field.values) {
    replicas += 1;
    const others = Object.fromEntries(Object.keys(instanceKeys).map((key) => [key, harmless]));
    readMessage({ ...others, count }, node, field.place, draft);
  }
  const { place, line } = field;
  if (replicas > 64)
    throw fault(place, line, `${place.path} must have at most 64 in all, got ${replicas}`);
  draft.put("replicas", replicas, line);
};

const versionKeys: Rules = {
  latest: message({
    num_versions: value(integer(1, 1, maxCount).read, (latest, { line }, draft) =>
      draft.put("versions", { latest }, line),
    ),
  }),
  all: ({ line }, draft) => draft.put("versions", "all", line),
  specific: message({
    versions: ({ values, place, line }, draft) => {
      const read = integer(1, 1, Number.MAX_SAFE_INTEGER).read;
      if (values.length > maxVersions) {
        throw fault(place, line, `${place.path} must name at most ${maxVersions}`);
      }
      const names = new Set(values.map((node) => String(read(node, place))));
      draft.put("versions", [...names], line);
    },
  }),
};

function only(backend: string): Rule {
  return value(readText, (name, { place, line }) => {
    if (name === backend || name === "") return;
    const words = `${place.path} must be ${quote(backend)}, the only one that Troupe has, got ${quote(name)}`;
    throw fault(place, line, words);
  });
}

const modelFile: Rule = value(readText, (name, { values: [node], place }, draft) => {
  if (name === "") return;
  if (!/^[^./\0][^/\0]*\.onnx$/.test(name))
    throw refuse(node, place, "a file's name that ends in .onnx");
  draft.modelFile = name;
});

const maxBatchSize: Rule = value(integer(0, 0, maxCount).read, (size, { line }, draft) => {
  draft.maxBatchSize = size;
  if (size > 0) draft.put("batching.max_batch_size", size, line);
});

/** The one of ONNX Runtime's that Troupe has too; under Triton 0 is one for each core. */
const threadsParameter = "intra_op_thread_count";

const parameters: Rule = ({ values, place, line: first }, draft) => {
  for (const node of values) {
    let name = "";
    let text = "";
    let line = first;
    const keys: Rules = {
      key: value(readText, (key, field) => {
        name = key;
        line = field.line;
      }),
      value: message({
        string_value: value(readText, (written) => {
          text = written;
        }),
      }),
    };
    readMessage(keys, node, place, draft);
    const threads = Number(text);
    const isThreads = name === threadsParameter && /^\d{1,3}$/.test(text);
    if (isThreads && threads >= 1 && threads <= 256) draft.put("session.threads", threads, line);
    else {
      const path = `parameters[${shorten(name)}]`;
      draft.warn({ ...place, path }, line, "Troupe's own are those of model.yaml");
    }
  }
};

/** `folder` is the model's, and its name. */
export function tritonKeys(folder: string): Rules {
  return {
    name: value(readText, (name, { place, line }) => {
      if (name === folder || name === "") return;
      throw fault(
        place,
        line,
        `name must be that of its folder, ${quote(folder)}, got ${quote(name)}`,
      );
    }),
    platform: only("onnxruntime_onnx"),
    backend: only("onnxruntime"),
    runtime: warned("Troupe has one ONNX Runtime"),
    max_batch_size: maxBatchSize,
    default_model_filename: modelFile,
    input,
    output,
    version_policy: message(versionKeys),
    instance_group: instanceGroups,
    dynamic_batching: message(dynamicBatchingKeys),
    sequence_batching: message(sequenceKeys),
    model_warmup: warmups,
    ensemble_scheduling: refused("joins several models, which Troupe does not"),
    model_transaction_policy: message({
      decoupled: value(boolean(false).read, (decoupled, field, draft) => {
        if (decoupled)
          refused("sends other than one answer a request, which Troupe does not")(field, draft);
      }),
    }),
    batch_input: refused("feeds the model what Troupe does not"),
    batch_output: refused("cuts answers in a way that Troupe does not"),
    model_repository_agents: refused("changes the model's files before they are loaded"),
    optimization: warned(
      "session in model.yaml says how ONNX Runtime optimizes; the default is all",
    ),
    parameters,
    response_cache: message({ enable: warnedUnless("false", "every request is run") }),
    cc_model_filenames: warned("all hosts load the same file"),
    metric_tags: warned("metrics have Troupe's labels"),
    model_metrics: warned("metrics have Troupe's buckets"),
    model_operations: warned(
      "no library of operators is loaded: a model that needs one is refused",
    ),
  };
}
