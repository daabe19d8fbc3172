import type { EpochMillis } from "../src/platform/clock.ts";
import type { ObjectiveView, ProcessFigures } from "../src/protocol/views.ts";
import type { DoorSlot } from "./door-slot.ts";
import type { LastExit } from "./exit-cause.ts";
import type { RunningHost, RunningModel } from "./model-registry.ts";
import type { Rollout } from "./rollout.ts";
import type { Slot } from "./slot.ts";

export interface TreeFacts {
  readonly version: string;
  readonly startedAt: EpochMillis;
  readonly draining: boolean;
  readonly figures: ProcessFigures;
  readonly doors: readonly DoorSlot[];
  readonly models: readonly RunningModel[];
}

type Json = Readonly<Record<string, unknown>>;

/** What `GET /supervisor` answers: every process of the troupe, and how it fares. */
export function describeTree(facts: TreeFacts): Json {
  const supervisor = {
    role: "supervisor",
    pid: process.pid,
    state: facts.draining ? "draining" : "ready",
    since: isoTime(facts.startedAt),
    ...figuresOf(facts.figures),
  };
  return {
    version: facts.version,
    supervisor,
    front_doors: facts.doors.map(({ slot }) => ({ role: "front-door", ...slotOf(slot) })),
    models: facts.models.map(modelOf),
  };
}

function modelOf({ name, problem, rollout, failures, versions }: RunningModel): Json {
  return {
    name,
    problem,
    rollout: rollout === null ? null : rolloutOf(rollout),
    failures: Object.fromEntries(failures),
    versions: versions.map(({ version, hosts }) => ({
      version,
      hosts: hosts.map((one) => hostOf(name, version, one)),
    })),
  };
}

function rolloutOf(rollout: Rollout): Json {
  const reason = rollout.name === "rolled-back" ? rollout.reason : null;
  return { state: rollout.name, reason };
}

function hostOf(model: string, version: string, { host, stage }: RunningHost): Json {
  const { slot, load, engine, replica } = host;
  return {
    role: "host",
    model,
    version,
    replica,
    stage,
    ...slotOf(slot),
    engine: engine ?? null,
    queue_rows: load?.queueRows ?? null,
    in_flight: load?.inFlight ?? null,
    breaker: load?.breaker ?? null,
    sequences: load?.sequences ?? null,
    objective: load?.objective ? objectiveOf(load.objective) : null,
  };
}

function objectiveOf(view: ObjectiveView): Json {
  return {
    p99_ms: view.p99Ms,
    max_rows: view.maxRows,
    delay_ms: view.delayMs,
    throughput_first: view.throughputFirst,
    fixed_ms: rounded(view.fixedMs),
    row_ms: rounded(view.rowMs),
    observed_p99_ms: rounded(view.observedP99Ms),
    reason: view.reason,
  };
}

/** Three digits, as no measure of a time says more; from 100 on whole milliseconds. */
function rounded(ms: number | null): number | null {
  if (ms === null) return null;
  return Math.abs(ms) >= 100 ? Math.round(ms) : Number(ms.toPrecision(3));
}

function slotOf<Command, Event>(slot: Slot<Command, Event>): Json {
  const { phase } = slot;
  return {
    pid: slot.pid ?? null,
    state: phase.name,
    reason: phase.name === "given-up" ? phase.reason : null,
    since: isoTime(slot.since),
    restarts: slot.restarts,
    last_exit: slot.lastExit === undefined ? null : exitOf(slot.lastExit),
    ...figuresOf(slot.figures),
  };
}

function figuresOf(figures: ProcessFigures | undefined): Json {
  return {
    rss_bytes: figures?.rssBytes ?? null,
    cpu_seconds: figures?.cpuSeconds ?? null,
    event_loop_delay_ms: figures?.eventLoopDelayMs ?? null,
  };
}

function exitOf({ at, code, signal, cause, stderr }: LastExit): Json {
  return { at: isoTime(at), code, signal, reason: cause, stderr };
}

function isoTime(at: EpochMillis): string {
  return new Date(at).toISOString();
}
