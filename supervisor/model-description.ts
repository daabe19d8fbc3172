/* What `GET /models` and its neighbours say of a model: what its folder holds, and how it fares. */
import { stat } from "node:fs/promises";
import { sep } from "node:path";
import type { ModelVersion } from "../src/config/model-folder.ts";
import { defaultVersion } from "../src/protocol/default-version.ts";
import { hasMemory, type ModelMetadata, type TensorSpec } from "../src/protocol/model-metadata.ts";
import type { ModelView, VersionView } from "../src/protocol/views.ts";
import type { Descriptions } from "./descriptions.ts";
import type { Digests } from "./file-digest.ts";
import { driftOf } from "./folder-drift.ts";
import type { HostGroup } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import { mebibyte } from "./memory-judge.ts";
import type { ModelLife } from "./model-life.ts";
import type { KnownModel } from "./model-registry.ts";

type Json = Readonly<Record<string, unknown>>;

export interface DescribeParts {
  readonly digests: Pick<Digests, "soon" | "recall">;
  readonly descriptions: Pick<Descriptions, "recall">;
  /** What the front doors are told of it. */
  readonly view: ModelView;
  /** What is being changed of it, if anything is. */
  readonly change: string | null;
}

export async function describeModel(model: KnownModel, parts: DescribeParts): Promise<Json> {
  const { life, folder } = model;
  const { view, change } = parts;
  const chosen = defaultVersion(view);
  const versions = await Promise.all(
    view.versions.map((version) => describeVersion(model, version, parts)),
  );
  const main = versions.find(({ version }) => version === chosen?.version) ?? absentVersion;
  const { kind, inputs, outputs, batching, digest, size_bytes, created_at } = main;
  const hosts = life.serving.flatMap((group) => group.hosts);
  return {
    id: life.name,
    name: life.name,
    version: chosen?.version ?? null,
    path: main.path,
    type: "onnx",
    description: view.description,
    parameters: view.defaults,
    is_loaded: view.versions.some(({ state }) => state === "ready"),
    state: life.problem === null ? (chosen?.state ?? "unloaded") : "unavailable",
    reason: life.problem ?? folder.problem ?? reasonOf(life, chosen) ?? driftOf(model),
    change,
    rollout: life.rollout?.name ?? null,
    default: chosen?.version ?? null,
    versions,
    kind,
    inputs,
    outputs,
    batching,
    replicas: { wanted: life.config?.replicas ?? 0, ready: hosts.filter(isReady).length },
    memory: memoryOf(
      life.groups.flatMap(({ all }) => all),
      life.config?.limits.memoryMb ?? null,
    ),
    digest,
    size_bytes,
    created_at,
  };
}

/** Of one that serves: why it is not what its folder holds. */
function reasonOf(life: ModelLife, view: VersionView | undefined): string | null {
  return view === undefined ? null : (view.reason ?? life.failures.get(view.version) ?? null);
}

export async function describeVersion(
  { life, folder }: KnownModel,
  view: VersionView,
  { digests, descriptions }: Pick<DescribeParts, "digests" | "descriptions">,
): Promise<VersionJson> {
  const { version, state } = view;
  const found = folder.versions.find((one) => one.version === version);
  const groups = life.groups.filter((group) => group.version === version);
  const hosts = groups.flatMap(({ all }) => all);
  const serving = groups.find(({ stage }) => stage === "serving");
  const digest = found === undefined ? null : await digestOf(found.file, serving, digests);
  const metadata =
    hosts.length > 0
      ? view.metadata
      : descriptions.recall({ model: life.name, version }, digest, view.metadata);
  return {
    version,
    state,
    reason: reasonOf(life, view),
    is_loaded: state === "ready",
    ...tensorsOf(metadata),
    replicas: hosts.filter(isReady).length,
    memory: memoryOf(hosts, life.config?.limits.memoryMb ?? null),
    digest: digest === null ? null : `sha256:${digest}`,
    ...(found === undefined ? absentFile : await fileFacts(life.name, found, metadata)),
  };
}

/** What serves need not be what is in the folder by now. */
function digestOf(
  file: string,
  serving: HostGroup | undefined,
  digests: DescribeParts["digests"],
): string | null | Promise<string | null> {
  return digests.recall(serving?.stamps[file] ?? "") ?? digests.soon(file);
}

function isReady({ slot }: HostSlot): boolean {
  return slot.phase.name === "ready";
}

function memoryOf(hosts: readonly HostSlot[], limitMb: number | null): Json {
  return {
    rss_bytes: rssOf(hosts.map(({ slot }) => slot)),
    limit_bytes: limitMb === null ? null : limitMb * mebibyte,
  };
}

/** Null where there are processes, and nothing is known of any of them yet. */
export function rssOf(slots: readonly Pick<HostSlot["slot"], "pid" | "rssBytes">[]): number | null {
  const running = slots.filter(({ pid }) => pid !== undefined);
  const known = running.flatMap(({ rssBytes }) => rssBytes ?? []);
  if (known.length === 0 && running.length > 0) return null;
  return known.reduce((sum, bytes) => sum + bytes, 0);
}

interface TensorFacts {
  readonly kind: string | null;
  readonly inputs: readonly Json[] | null;
  readonly outputs: readonly Json[] | null;
  readonly batching: Json | null;
}

/** Unknown until the model has been loaded once. */
function tensorsOf(metadata: ModelMetadata | null): TensorFacts {
  if (metadata === null) return { kind: null, inputs: null, outputs: null, batching: null };
  const { batching, inputs, outputs } = metadata;
  return {
    kind: kindOf(metadata),
    inputs: inputs.map(tensorJson),
    outputs: outputs.map(tensorJson),
    batching:
      batching.type === "batched"
        ? { type: batching.type, max_batch_size: batching.maxBatchSize }
        : { type: batching.type, reason: batching.reason },
  };
}

function kindOf(metadata: ModelMetadata): string {
  if (metadata.stream !== null) return "signal";
  return hasMemory(metadata) ? "sequence" : "stateless";
}

function tensorJson({ name, datatype, shape }: TensorSpec): Json {
  return { name, datatype, shape };
}

interface FileFacts {
  /** From the models folder. */
  readonly path: string | null;
  readonly size_bytes: number | null;
  readonly created_at: string | null;
}

const absentFile: FileFacts = { path: null, size_bytes: null, created_at: null };

const absentVersion = { ...tensorsOf(null), ...absentFile, digest: null };

type VersionJson = Json &
  TensorFacts &
  FileFacts & { readonly version: string; readonly digest: string | null };

/** Whoever asks is told where a model lies in the folder of models, and not where that is. */
function pathWithin(model: string, file: string): string {
  const parts = file.split(sep);
  return parts.slice(parts.lastIndexOf(model)).join("/");
}

/** Other files may lie beside a model; only those that it names are counted as its own. */
async function fileFacts(
  model: string,
  { file, beside }: ModelVersion,
  metadata: ModelMetadata | null,
): Promise<FileFacts> {
  const path = pathWithin(model, file);
  const own = beside.filter(({ name }) => metadata?.externalFiles.includes(name));
  try {
    const stats = await Promise.all(
      [file, ...own.map((one) => one.file)].map((path) => stat(path)),
    );
    return {
      path,
      size_bytes: stats.reduce((sum, { size }) => sum + size, 0),
      created_at: stats[0]?.mtime.toISOString() ?? null,
    };
  } catch {
    return absentFile;
  }
}
