import { Counter, Gauge, type Registry } from "prom-client";
import { createRegistry } from "../src/platform/metrics.ts";
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
  gauge("troupe_event_loop_delay_seconds", "Longest stall since its last beat", ofProcess, () =>
    slots().map(({ labels, slot }) => ({
      labels,
      value: slot.figures && slot.figures.eventLoopDelayMs / 1_000,
    })),
  );
  addHostGauges(gauge, () => hostsOf(troupe()));
  return { registry, ...addCounters(registry) };
}

function addCounters(registry: Registry): Omit<SupervisorMetrics, "registry"> {
  const restarts = new Counter({
    name: "troupe_restarts_total",
    help: "Processes that ended and were not asked to",
    labelNames: ["role", "model_id", "reason"],
    registers: [registry],
  });
  const changes = new Counter({
    name: "troupe_changes_total",
    help: "Changes of what runs, by how they ended",
    labelNames: ["model_id", "kind", "outcome"],
    registers: [registry],
  });
  const replacements = new Counter({
    name: "troupe_host_replacements_total",
    help: "Hosts that were replaced or ended for their memory",
    labelNames: ["model_id", "reason"],
    registers: [registry],
  });
  return {
    countRestart: (role, model_id, reason) => restarts.inc({ role, model_id, reason }),
    countChange: (kind, model_id, outcome) => {
      if (outcome !== "began") changes.inc({ model_id, kind, outcome });
    },
    countReplacement: (model_id, reason) => replacements.inc({ model_id, reason }),
  };
}

type AddGauge = (name: string, help: string, labels: string[], read: () => Measured[]) => void;

function addHostGauges(gauge: AddGauge, hosts: () => ReturnType<typeof hostsOf>): void {
  const names = ["model_id", "version", "index"];
  const of = (read: (host: HostSlot) => number | undefined) => () =>
    hosts().map(({ labels: { model_id, version, index }, host }) => ({
      labels: { model_id, version, index },
      value: read(host),
    }));
  gauge(
    "troupe_queue_rows",
    "Rows that wait in a host",
    names,
    of((host) => host.load?.queueRows),
  );
  gauge(
    "troupe_host_in_flight",
    "Requests in a host",
    names,
    of((host) => host.load?.inFlight),
  );
  gauge(
    "troupe_sequences_active",
    "Sequences that a host keeps",
    names,
    of((host) => host.load?.sequences),
  );
  gauge(
    "troupe_breaker_state",
    "Circuit breaker: 0 closed, 1 half-open, 2 open",
    names,
    of((host) => host.load && breakerStates.indexOf(host.load.breaker)),
  );
}

function isReady(model: RunningModel): boolean {
  return model.versions.some(({ hosts }) => hosts.some(({ slot }) => slot.phase.name === "ready"));
}

function doorOf(door: DoorSlot) {
  const labels = { role: "front-door", model_id: "", version: "", index: String(door.index) };
  return { labels, slot: door.slot };
}

function hostsOf({ models }: Troupe) {
  return models.flatMap(({ name, versions }) =>
    versions.flatMap(({ version, hosts }) =>
      hosts.map((host, replica) => ({
        labels: { role: "host", model_id: name, version, index: String(replica) },
        slot: host.slot,
        host,
      })),
    ),
  );
}
