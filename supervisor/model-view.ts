import type { Millis } from "../src/platform/clock.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { HostView, ModelView, VersionState, VersionView } from "../src/protocol/views.ts";
import type { GroupStage } from "./host-group.ts";
import type { Phase } from "./instance.ts";

/** What is known of one replica. */
export interface ReplicaFacts {
  readonly phase: Phase;
  readonly view: HostView;
  readonly metadata: ModelMetadata | undefined;
  readonly hasBeenReady: boolean;
  /** How long its last start took. */
  readonly readyMs: number;
}

export interface VersionFacts {
  readonly version: string;
  /** Null where nothing of it runs. */
  readonly stage: GroupStage | null;
  /** Why it does not run though it should. */
  readonly failure: string | null;
  /** What was found out of it when it was loaded. */
  readonly known: ModelMetadata | null;
  readonly replicas: readonly ReplicaFacts[];
}

export interface ModelFacts {
  readonly name: string;
  readonly config: ModelConfig | null;
  readonly problem: string | null;
  readonly versions: readonly VersionFacts[];
}

/** Beside what may wait in the host, one batch runs and one is on its way. */
const batchesOnTheWay = 2;

export function viewModel(facts: ModelFacts, now: Millis): Omit<ModelView, "drift"> {
  const { name, config, problem } = facts;
  const maxBatchSize = config?.batching.maxBatchSize ?? 1;
  return {
    name,
    description: config?.description ?? "",
    labels: config?.labels ?? [],
    required: config?.required ?? false,
    defaults: config?.defaults ?? {},
    requestMs: config?.timeouts.requestMs ?? null,
    maxOutstandingRequests: (config?.queue.maxRows ?? 0) + batchesOnTheWay * maxBatchSize,
    maxSequences: config?.queue.maxSequences ?? 0,
    maxOutstandingBytes: (config?.queue.maxBytes ?? 0) * 2,
    defaultVersion: config?.defaultVersion ?? newestButStandby(facts.versions),
    versions: facts.versions.map((version) => viewVersion(version, problem, now)),
    problem,
  };
}

/** While a newer version stands by, the newest that serves, else null: traffic has moved back to that. */
function newestButStandby(versions: readonly VersionFacts[]): string | null {
  if (versions.every(({ stage }) => stage !== "standby")) return null;
  return versions.findLast(({ stage }) => stage === "serving")?.version ?? null;
}

function viewVersion(facts: VersionFacts, problem: string | null, now: Millis): VersionView {
  switch (facts.stage) {
    case "serving":
    case "standby":
      return viewServing(facts, now);
    case "new":
      return absent(facts, "loading", "it is being loaded");
    case "leaving":
      return gone(facts, facts.failure, { state: "draining", reason: "it is being drained" });
    case null:
      // Whoever asks for it, it cannot be loaded while its folder is broken.
      return gone(facts, facts.failure ?? problem, { state: "unloaded", reason: null });
  }
}

/** What should run, and does not, says why. */
function gone(
  facts: VersionFacts,
  failure: string | null,
  { state, reason }: Pick<VersionView, "state" | "reason">,
): VersionView {
  return failure === null ? absent(facts, state, reason) : absent(facts, "unavailable", failure);
}

function absent(facts: VersionFacts, state: VersionState, reason: string | null): VersionView {
  const { version, replicas, known } = facts;
  const metadata = metadataOf(replicas) ?? known;
  return { version, state, reason, backAt: null, metadata, hosts: [] };
}

function metadataOf(replicas: readonly ReplicaFacts[]): ModelMetadata | null {
  return replicas.find((replica) => replica.metadata !== undefined)?.metadata ?? null;
}

function viewServing({ version, replicas }: VersionFacts, now: Millis): VersionView {
  const ready = replicas.filter(({ phase }) => phase.name === "ready");
  const metadata = metadataOf(replicas);
  const state = stateOf(replicas);
  return {
    version,
    state,
    reason: reasonOf(state, replicas),
    backAt: state === "recovering" ? backAt(replicas, now) : null,
    metadata,
    hosts: ready.map(({ view }) => view),
  };
}

function stateOf(replicas: readonly ReplicaFacts[]): VersionState {
  if (replicas.some(({ phase }) => phase.name === "ready")) return "ready";
  const hopeful = replicas.filter(({ phase }) => isHopeful(phase));
  if (hopeful.length === 0) return "unavailable";
  return hopeful.some(({ hasBeenReady }) => hasBeenReady) ? "recovering" : "loading";
}

function isHopeful({ name }: Phase): boolean {
  return name === "queued" || name === "starting" || name === "backing-off";
}

function reasonOf(state: VersionState, replicas: readonly ReplicaFacts[]): string | null {
  if (state === "ready") return null;
  if (state !== "unavailable")
    return state === "loading" ? "it is being loaded" : "its host is being restarted";
  const phase = replicas.map((replica) => replica.phase).find(({ name }) => name === "given-up");
  return phase?.name === "given-up" ? phase.reason : "it is being stopped";
}

/** The soonest that a replica can be there again, by how long its last start took. */
function backAt(replicas: readonly ReplicaFacts[], now: Millis): Millis {
  const times = replicas
    .filter(({ phase }) => isHopeful(phase))
    .map(({ phase, readyMs }) => startOf(phase, now) + readyMs);
  return Math.max(now, Math.min(...times));
}

function startOf(phase: Phase, now: Millis): Millis {
  if (phase.name === "backing-off") return phase.restartAt;
  return phase.name === "starting" ? phase.since : now;
}
