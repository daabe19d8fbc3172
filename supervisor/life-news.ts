/* What happens in the lives of models, told to the front doors, the feed, the log and the metrics. */
import type { Clock } from "../src/platform/clock.ts";
import type { Log } from "../src/platform/log.ts";
import type { HostStep } from "../src/protocol/control.ts";
import type { MetricSnapshot, ModelView } from "../src/protocol/views.ts";
import type { LastExit } from "./exit-cause.ts";
import type { Feed } from "./feed.ts";
import type { HostGroup } from "./host-group.ts";
import type { HostLogs } from "./host-logs.ts";
import type { HostSlot } from "./host-slot.ts";
import type { LifeListener } from "./life-parts.ts";
import { MemoryWatch } from "./memory-watch.ts";
import type { ModelLife } from "./model-life.ts";
import { ObjectiveWatch } from "./objective-watch.ts";
import type { Rollout } from "./rollout.ts";
import type { SupervisorMetrics } from "./supervisor-metrics.ts";

export interface NewsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly feed: Feed;
  readonly metrics: Pick<SupervisorMetrics, "countReplacement">;
  readonly hostLogs: Pick<HostLogs, "forget">;
  readonly view: (life: ModelLife) => ModelView | undefined;
  readonly listener: {
    onView(view: ModelView): void;
    onGone(model: string): void;
    onMetrics(host: HostSlot, reportId: number, metrics: readonly MetricSnapshot[]): void;
    onReady(host: HostSlot): void;
    onDown(host: HostSlot, hostId: string, exit: LastExit): void;
  };
}

export class LifeNews implements LifeListener {
  readonly #parts: NewsParts;
  readonly #memory: MemoryWatch;
  readonly #objectives: ObjectiveWatch;
  /** By model the state of each version that was told last. */
  readonly #told = new Map<string, ReadonlyMap<string, string>>();

  constructor(parts: NewsParts) {
    this.#parts = parts;
    this.#objectives = new ObjectiveWatch(parts.clock);
    this.#memory = new MemoryWatch(parts.clock, {
      onReplace: (host, reason, words) => this.#noteMemory(host, reason, words),
      onReplaced: (host, problem) => {
        if (problem !== null) this.#noteMemory(host, "replacement-failed", problem);
      },
      onKill: (host, words) => this.#noteMemory(host, "memory-limit", words),
    });
  }

  onView(life: ModelLife): void {
    const view = this.#parts.view(life);
    if (view === undefined) return;
    this.#parts.listener.onView(view);
    const told = this.#told.get(life.name);
    this.#told.set(life.name, new Map(view.versions.map(({ version, state }) => [version, state])));
    for (const { version, state, reason } of view.versions) {
      if (told?.get(version) === state) continue;
      const details = {};
      this.#parts.feed.note({ type: "model", model: life.name, version, state, reason, details });
    }
  }

  /** The model is gone. */
  forget(model: string): void {
    this.#told.delete(model);
    this.#parts.hostLogs.forget(model);
    this.#parts.listener.onGone(model);
  }

  onHost(host: HostSlot): void {
    const { slot, model, version, replica } = host;
    const { phase, pid = slot.lastExit?.pid ?? null } = slot;
    // A process that died by itself has nothing to end any more: what it comes to is told next.
    if (phase.name === "draining" && slot.pid === undefined) return;
    const reason = reasonOf(slot);
    const details = { host: host.hostId, replica, pid };
    this.#parts.feed.note({ type: "host", model, version, state: phase.name, reason, details });
    if (phase.name === "ready") this.#parts.listener.onReady(host);
  }

  onStep({ name: model }: ModelLife, version: string, step: HostStep): void {
    const details = { change: "rollout" };
    this.#parts.feed.note({ type: "change", model, version, state: step, reason: null, details });
  }

  onBeat(group: HostGroup, host: HostSlot, life: ModelLife): void {
    if (host.load?.breaker === "open") life.noteBreaker(group);
    this.#noteObjective(host);
  }

  onWatch(group: HostGroup, host: HostSlot, life: ModelLife): void {
    this.#memory.look(group, host, life);
  }

  onMetrics(host: HostSlot, reportId: number, metrics: readonly MetricSnapshot[]): void {
    this.#parts.listener.onMetrics(host, reportId, metrics);
  }

  onDown(host: HostSlot, hostId: string, exit: LastExit): void {
    this.#parts.listener.onDown(host, hostId, exit);
  }

  onRollout({ name: model }: ModelLife, versions: readonly string[], rollout: Rollout): void {
    const { feed, log } = this.#parts;
    const reason = rollout.name === "rolled-back" ? rollout.reason : null;
    for (const version of versions) {
      const details = { change: "rollout" };
      feed.note({ type: "change", model, version, state: rollout.name, reason, details });
      const fields = { model, version, rollout: rollout.name, reason };
      if (reason === null) log.info(fields, "rollout");
      else log.warn(fields, "rolled back");
    }
  }

  #noteObjective(host: HostSlot): void {
    const turn = this.#objectives.look(host);
    if (turn === undefined) return;
    const { feed, log } = this.#parts;
    const { model, version, hostId } = host;
    const reason = host.load?.objective?.reason ?? null;
    const fields = { model, version, host: hostId, reason };
    if (turn === "resumed") log.info(fields, "objective no longer given up");
    else log.warn(fields, "objective given up for throughput");
    const details = { change: "objective", host: hostId };
    feed.note({ type: "change", model, version, state: turn, reason, details });
  }

  #noteMemory(host: HostSlot, reason: string, words: string): void {
    const { feed, log, metrics } = this.#parts;
    const { model, version, hostId } = host;
    metrics.countReplacement(model, reason);
    log.warn({ model, version, host: hostId, reason, words }, "memory");
    const details = { change: "memory", host: hostId };
    feed.note({ type: "change", model, version, state: reason, reason: words, details });
  }
}

/** Of a host that is not there: why it is not, or what ended the one before. */
function reasonOf({ phase, lastExit }: HostSlot["slot"]): string | null {
  if (phase.name === "given-up") return phase.reason;
  const isBetween = phase.name === "queued" || phase.name === "backing-off";
  const hasDied = phase.name === "stopped" && lastExit?.isExpected === false;
  return isBetween || hasDied ? (lastExit?.cause ?? null) : null;
}
