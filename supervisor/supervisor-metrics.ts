import { Gauge, type Registry } from "prom-client";
import { Tally } from "../src/platform/metrics.ts";
import { createRegistry } from "../src/platform/registry.ts";
import { breakerStates } from "../src/protocol/pressure.ts";
import type { DoorSlot } from "./door-slot.ts";
import type { HostSlot } from "./host-slot.ts";
import type { RunningModel } from "./model-registry.ts";

export interface Troupe {
  readonly models: readonly RunningModel[];
  readonly doors: readonly DoorSlot[];
}

export interface SupervisorMetrics {
  readonly registry: Registry;
  /** Drops what was counted for models that are gone. */
  forgetGone(): void;
  countRestart(role: string, model: string, reason: string): void;
  /** Only the ends of changes are counted. */
  countChange(kind: string, model: string, state: string): void;
  countReplacement(model: string, reason: string): void;
}

interface Measured {
  readonly labels: Record<string, string>;
  readonly value: number | undefined;
}

/** What the supervisor itself counts, and what its children tell it with every beat. */
export function createSupervisorMetrics(troupe: () => Troupe): SupervisorMetrics {
  const registry = createRegistry();
  const gauge = (name: string, help: string, labelNames: string[], read: () => Measured[]) => {
    const collect = function (this: Gauge) {
      this.reset();
      for (const { labels, value } of read()) if (value !== undefined) this.set(labels, value);
    };
    new Gauge({ name, help, labelNames, registers: [registry], collect });
  };
  const slots = () => [...troupe().doors.map(doorOf), ...hostsOf(troupe())];
  gauge("models_loaded", "Models of which a version is ready", [], () => [
    { labels: {}, value: troupe().models.filter(isReady).length },
  ]);
  const ofProcess = ["role", "model_id", "version", "index"];
  gauge("troupe_process_rss_bytes", "Resident memory of a process", ofProcess, () =>
    slots().map(({ labels, slot }) => ({ labels, value: slot.figures?.rssBytes })),
  );
  gauge("troupe_process_cpu_seconds", "CPU time of a process since it began", ofProcess, () =>
    slots().map(({ labels, slot }) => ({ labels, value: slot.figures?.cpuSeconds })),
  );
  gauge(
    "troupe_event_loop_delay_seconds",
    "Longest stall since its last beat; at rest, how late that came",
    ofProcess,
    () =>
      slots().map(({ labels, slot }) => ({
        labels,
        value: slot.figures && slot.figures.eventLoopDelayMs / 1_000,
      })),
  );
  addHostGauges(gauge, () => hostsOf(troupe()));
  return { registry, ...addCounters(registry, troupe) };
}

function addCounters(
  registry: Registry,
  troupe: () => Troupe,
): Omit<SupervisorMetrics, "registry"> {
  const restarts = new Tally<"role" | "model_id" | "reason">(
    registry,
    "troupe_restarts_total",
    "Processes that ended and were not asked to",
  );
  const changes = new Tally<"model_id" | "kind" | "outcome">(
    registry,
    "troupe_changes_total",
    "Changes of what runs, by how they ended",
  );
  const replacements = new Tally<"model_id" | "reason">(
    registry,
    "troupe_host_replacements_total",
    "Hosts that were replaced or ended for their memory",
  );
  // Whoever sends uploads that are refused can make up names without end.
  const known = (name: string) => (troupe().models.some((one) => one.name === name) ? name : "");
  return {
    forgetGone: () => {
      const isKept = ofKnownModels(troupe().models);
      for (const tally of [restarts, changes, replacements]) tally.keep(isKept);
    },
    countRestart: (role, model, reason) => {
      restarts.series({ role, model_id: known(model), reason }).add();
    },
    countChange: (kind, model, outcome) => {
      if (outcome !== "began") changes.series({ model_id: known(model), kind, outcome }).add();
    },
    countReplacement: (model, reason) => {
      replacements.series({ model_id: known(model), reason }).add();
    },
  };
}

type Labels = Readonly<Record<string, string | number>>;

/** Whether a series is about one of the models, or about none. */
export function ofKnownModels(
  models: readonly { readonly name: string }[],
): (labels: Labels) => boolean {
  const names = new Set<string | number>(models.map(({ name }) => name));
  return ({ model_id: id = "" }) => id === "" || names.has(id);
}

type AddGauge = (name: string, help: string, labels: string[], read: () => Measured[]) => void;

type AddHostGauge = (
  name: string,
  help: string,
  read: (host: HostSlot) => number | undefined,
) => void;

function addHostGauges(gauge: AddGauge, hosts: () => ReturnType<typeof hostsOf>): void {
  const add: AddHostGauge = (name, help, read) =>
    gauge(name, help, ["model_id", "version", "index"], () =>
      hosts().map(({ labels: { model_id, version, index }, host }) => ({
        labels: { model_id, version, index },
        value: read(host),
      })),
    );
  addLoadGauges(add);
  addObjectiveGauges(add);
}

function addLoadGauges(gauge: AddHostGauge): void {
  gauge("troupe_queue_rows", "Rows that wait in a host", (host) => host.load?.queueRows);
  gauge("troupe_host_in_flight", "Requests in a host", (host) => host.load?.inFlight);
  gauge("troupe_sequences_active", "Sequences that a host keeps", (host) => host.load?.sequences);
  gauge(
    "troupe_breaker_state",
    "Circuit breaker: 0 closed, 1 half-open, 2 open",
    (host) => host.load && breakerStates.indexOf(host.load.breaker),
  );
}

function addObjectiveGauges(gauge: AddHostGauge): void {
  gauge("troupe_objective_target_seconds", "The p99 that an objective states", (host) =>
    seconds(host.load?.objective?.p99Ms),
  );
  gauge(
    "troupe_objective_throughput_first",
    "1 while a host gives its objective up for throughput, else 0",
    (host) => zeroOrOne(host.load?.objective?.throughputFirst),
  );
  gauge(
    "troupe_objective_rows",
    "The most rows that a host puts into a batch for its objective",
    (host) => host.load?.objective?.maxRows,
  );
  gauge(
    "troupe_objective_delay_seconds",
    "How long an idle host waits for company for its objective",
    (host) => seconds(host.load?.objective?.delayMs),
  );
  gauge(
    "troupe_objective_p99_seconds",
    "Measured p99 from arrival in a host to answer, with an objective",
    (host) => seconds(host.load?.objective?.observedP99Ms),
  );
}

function seconds(ms: number | null | undefined): number | undefined {
  return typeof ms === "number" ? ms / 1_000 : undefined;
}

function zeroOrOne(flag: boolean | undefined): number | undefined {
  return flag === undefined ? undefined : Number(flag);
}

function isReady(model: RunningModel): boolean {
  return model.versions.some(({ hosts }) =>
    hosts.some(({ host }) => host.slot.phase.name === "ready"),
  );
}

function doorOf(door: DoorSlot) {
  const labels = { role: "front-door", model_id: "", version: "", index: String(door.index) };
  return { labels, slot: door.slot };
}

function hostsOf({ models }: Troupe) {
  return models.flatMap(({ name, versions }) =>
    versions.flatMap(({ version, hosts }) =>
      hosts.map(({ host }, index) => ({
        labels: { role: "host", model_id: name, version, index: String(index) },
        slot: host.slot,
        host,
      })),
    ),
  );
}
