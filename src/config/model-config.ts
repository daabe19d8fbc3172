import { TroupeError } from "../protocol/errors.ts";
import { isVersionName, versionRule } from "../protocol/model-name.ts";
import {
  executionProviders,
  graphOptimizations,
  type ModelConfig,
  type RestartSettings,
  type WantedVersions,
} from "../protocol/model-settings.ts";
import { maxConfigBytes } from "../protocol/questions.ts";
import {
  boolean,
  type Field,
  fault,
  integer,
  isGiven,
  type Read,
  readChoice,
  readList,
  readSet,
  readText,
  refuse,
  section,
} from "./config-field.ts";
import { golden, warmup } from "./sample-config.ts";
import { defaults, state, stream } from "./sequence-config.ts";
import { nodeAt, parseYaml, type YamlNode } from "./yaml-tree.ts";

/** Timers hold at most 2^31 - 1 ms, and fire at once beyond it: a week keeps sums of two below that. */
const weekMs = 604_800_000;
const maxCount = 1_000_000;

const readVersionName: Read<string> = (node, place) => {
  const name = readText(node, place);
  if (isVersionName(name)) return name;
  throw refuse(node, place, `a version's name: ${versionRule}`);
};

const latest = section<{ latest: number }>({ latest: integer(1, 1, maxCount) });

const versions: Field<WantedVersions> = {
  fallback: { type: "latest", count: 1 },
  read: (node, place) => {
    if (node.type === "map") return { type: "latest", count: latest.read(node, place).latest };
    if (node.type === "list") {
      return { type: "listed", names: readSet(readVersionName)(node, place) };
    }
    if (node.value === "all") return { type: "all" };
    throw refuse(node, place, "{ latest: <number> }, all, or a list of versions");
  },
};

const restartFields = section<RestartSettings>({
  intensity: integer(5, 0, 1000),
  periodMs: integer(60_000, 1, weekMs),
  minBackoffMs: integer(100, 0, weekMs),
  maxBackoffMs: integer(10_000, 0, weekMs),
});

const restart: Field<RestartSettings> = {
  fallback: restartFields.fallback,
  read: (node, place) => {
    const settings = restartFields.read(node, place);
    if (settings.minBackoffMs <= settings.maxBackoffMs) return settings;
    const { minBackoffMs, maxBackoffMs } = settings;
    const words = `max_backoff_ms must be at least min_backoff_ms (${minBackoffMs}), got ${maxBackoffMs}`;
    throw fault(place, node.line, `${place.path}.${words}`);
  },
};

const requestMs: Field<number | null> = { ...integer(1, 1, weekMs), fallback: null };
const memoryMb: Field<number | null> = { ...integer(16, 16, 16_777_216), fallback: null };
const p99Ms: Field<number | null> = { ...integer(1, 1, weekMs), fallback: null };
const defaultVersion: Field<string | null> = { read: readVersionName, fallback: null };

const written = section<ModelConfig>({
  description: { read: readText, fallback: "" },
  batching: section({
    maxBatchSize: integer(64, 1, maxCount),
    maxQueueDelayMs: integer(0, 0, weekMs),
  }),
  objective: section({ p99Ms }),
  queue: section({
    maxRows: integer(1024, 1, maxCount),
    maxBytes: integer(67_108_864, 1, Number.MAX_SAFE_INTEGER),
    maxSequences: integer(1024, 1, maxCount),
    maxStateBytes: integer(268_435_456, 1, Number.MAX_SAFE_INTEGER),
  }),
  timeouts: section({
    requestMs,
    runMs: integer(30_000, 1, weekMs),
    loadMs: integer(60_000, 1, weekMs),
    sequenceIdleMs: integer(60_000, 1, weekMs),
  }),
  breaker: section({
    errorThresholdPercent: integer(50, 1, 100),
    minRequests: integer(10, 1, maxCount),
    windowMs: integer(10_000, 1, weekMs),
    resetMs: integer(5000, 1, weekMs),
  }),
  restart,
  session: section({
    threads: integer(1, 1, 256),
    executionProviders: { read: readSet(readChoice(executionProviders)), fallback: ["cpu"] },
    graphOptimization: { read: readChoice(graphOptimizations), fallback: "all" },
  }),
  replicas: integer(1, 1, 64),
  versions,
  required: boolean(false),
  labels: { read: readList(readText), fallback: [] },
  state,
  stream,
  defaults,
  defaultVersion,
  warmup,
  golden,
  limits: section({ memoryMb }),
  bakeMs: integer(10_000, 0, weekMs),
});

const delayPath = ["batching", "max_queue_delay_ms"];

/** With an objective an engine may wait as long as that leaves, where nothing is said of it. */
const modelConfig: Field<ModelConfig> = {
  fallback: written.fallback,
  read: (node, place) => {
    const config = written.read(node, place);
    const { p99Ms: mostMs } = config.objective;
    if (mostMs === null || isGiven(nodeAt(node, delayPath))) return config;
    return { ...config, batching: { ...config.batching, maxQueueDelayMs: mostMs } };
  },
};

export const defaultModelConfig: ModelConfig = modelConfig.fallback;

/**
 * An empty text is the default configuration. Throws TroupeError `invalid-model` that names the file (relative to the
 * models folder, as `iris/model.yaml`), the key, what was expected and what came.
 */
export function parseModelConfig(text: string, file: string): ModelConfig {
  const tooLarge = sizeFault(Buffer.byteLength(text), file);
  if (tooLarge !== undefined) throw tooLarge;
  const verdict = parseYaml(text);
  if (verdict.type === "malformed") {
    const words = `Cannot read ${file}: not valid YAML: ${verdict.reason} (line ${verdict.line})`;
    throw new TroupeError("invalid-model", words);
  }
  return isEmpty(verdict.root)
    ? defaultModelConfig
    : readModelConfig(verdict.root, { file, path: "" });
}

/** A model.yaml that is a tree already. */
export const readModelConfig: Read<ModelConfig> = modelConfig.read;

/** Undefined for a file of at most as many bytes as it may have. */
export function sizeFault(bytes: number, file: string): TroupeError | undefined {
  if (bytes <= maxConfigBytes) return undefined;
  const words = `Cannot read ${file}: it must have at most ${maxConfigBytes} bytes, got ${bytes}`;
  return new TroupeError("invalid-model", words);
}

function isEmpty(root: YamlNode): boolean {
  return root.type === "scalar" && root.value === null;
}
