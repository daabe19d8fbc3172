/* The hosts of one model version under one configuration. Which group gets the traffic is its model's to say. */
import type { FileStamps, ModelVersion } from "../src/config/model-folder.ts";
import type { Clock, Millis } from "../src/platform/clock.ts";
import type { HostStep } from "../src/protocol/control.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { MetricSnapshot } from "../src/protocol/views.ts";
import type { LastExit } from "./exit-cause.ts";
import type { HostFindings } from "./host-findings.ts";
import type { HostListener, HostSlot, HostSlotOptions } from "./host-slot.ts";
import { PoisonList } from "./poison-list.ts";

export type SlotPlan = Pick<
  HostSlotOptions,
  | "model"
  | "version"
  | "file"
  | "beside"
  | "config"
  | "replica"
  | "ordinal"
  | "poison"
  | "findings"
  | "isThrowaway"
>;
export type MakeHostSlot = (plan: SlotPlan, listener: HostListener) => HostSlot;

export type GroupPlan = Pick<SlotPlan, "model" | "version" | "file" | "beside" | "config"> &
  Pick<ModelVersion, "stamps">;

export interface GroupListener {
  onChange(group: HostGroup, host: HostSlot): void;
  onStep(group: HostGroup, host: HostSlot, step: HostStep): void;
  onBeat(group: HostGroup, host: HostSlot): void;
  onWatch(group: HostGroup, host: HostSlot): void;
  onMetrics(host: HostSlot, reportId: number, metrics: readonly MetricSnapshot[]): void;
  /** Comes before its phase changes. */
  onDown(group: HostGroup, host: HostSlot, hostId: string, exit: LastExit): void;
}

export interface GroupParts {
  readonly clock: Clock;
  readonly makeSlot: MakeHostSlot;
  /** Unique among all slots. */
  readonly nextOrdinal: () => number;
  /** What is not finished by then is ended. */
  readonly drainMs: Millis;
  readonly listener: GroupListener;
}

/** `new`: not in the view yet; `standby`: traffic has moved away, and may come back. */
export type GroupStage = "new" | "serving" | "standby" | "leaving";

export class HostGroup {
  readonly plan: GroupPlan;
  stage: GroupStage;
  /** What holds of it beside what its hosts were told. */
  config: ModelConfig;
  /** How its files looked when it was made. */
  stamps: FileStamps;
  readonly #parts: GroupParts;
  readonly #poison: PoisonList;
  #members: HostSlot[] = [];
  /** Not in the view: about to come, or about to go. */
  readonly #others = new Set<HostSlot>();
  readonly #awaited = new Map<HostSlot, (problem: TroupeError | null) => void>();

  constructor(parts: GroupParts, plan: GroupPlan, stage: GroupStage) {
    this.#parts = parts;
    this.plan = plan;
    this.stage = stage;
    this.config = plan.config;
    this.stamps = plan.stamps ?? {};
    this.#poison = new PoisonList(parts.clock);
    for (let replica = 0; replica < plan.config.replicas; replica += 1) {
      this.#members.push(this.#makeHost(replica));
    }
  }

  get version(): string {
    return this.plan.version;
  }

  /** Those that get requests when they are ready. */
  get hosts(): readonly HostSlot[] {
    return this.#members;
  }

  /** With those that come and go. */
  get all(): readonly HostSlot[] {
    return [...this.#members, ...this.#others];
  }

  /** Of one that is about to take a replica's place, or has left it, its own. */
  stageOf(host: HostSlot): GroupStage {
    if (!this.#others.has(host)) return this.stage;
    return host.slot.isWanted || host.slot.phase.name === "queued" ? "new" : "leaving";
  }

  get isReady(): boolean {
    return this.#members.every(({ slot }) => slot.phase.name === "ready");
  }

  /** A replica of it is there, or will be. */
  get isHopeful(): boolean {
    return this.#members.some(
      ({ slot }) => slot.phase.name !== "given-up" && slot.phase.name !== "stopped",
    );
  }

  start(): void {
    for (const { slot } of this.#members) slot.start();
  }

  /** Resolves when the new replicas are ready, or those too many are gone; rejects with the first's problem. */
  async scale(replicas: number): Promise<void> {
    const added: HostSlot[] = [];
    while (this.#members.length < replicas) {
      const host = this.#makeHost(this.#members.length);
      this.#members.push(host);
      added.push(host);
      host.slot.start();
    }
    const removed = this.#members.splice(replicas);
    for (const host of removed) this.#others.add(host);
    const [first] = removed;
    if (first !== undefined) this.#parts.listener.onChange(this, first);
    await Promise.all([
      ...added.map((host) => this.#becomeReady(host)),
      ...removed.map((host) => this.#drainHost(host)),
    ]);
  }

  /**
   * A new process for the replica, which takes its place when it is ready. The old one stays where that fails. It tries
   * anew what `findings` do not say. Throws `conflict` where the group is on its way out.
   */
  async replace(host: HostSlot, findings?: HostFindings): Promise<void> {
    if (this.stage === "leaving") {
      const words = `Cannot replace a host of version '${this.version}': it is making way for another`;
      throw new TroupeError("conflict", words);
    }
    const fresh = this.#makeHost(host.replica, findings);
    this.#others.add(fresh);
    fresh.slot.start();
    try {
      await this.#becomeReady(fresh);
    } catch (thrown) {
      await this.#drainHost(fresh);
      throw thrown;
    }
    this.#others.delete(fresh);
    if (!this.#members.includes(host)) return this.#drainHost(fresh);
    this.#members = this.#members.map((member) => (member === host ? fresh : member));
    this.#others.add(host);
    this.#parts.listener.onChange(this, fresh);
    return this.#drainHost(host);
  }

  /** Resolves when every process of it is gone. */
  async drain(): Promise<void> {
    await Promise.all(this.all.map((host) => this.#drainHost(host)));
  }

  async #drainHost(host: HostSlot): Promise<void> {
    host.slot.apply({ type: "drain" });
    const disarm = this.#parts.clock.after(this.#parts.drainMs, () => host.slot.kill("stop"));
    await host.slot.stopped;
    disarm();
    this.#others.delete(host);
  }

  #becomeReady(host: HostSlot): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#awaited.set(host, (problem) => {
        if (problem === null) resolve();
        else reject(problem);
      });
      this.#noteAwaited(host);
    });
  }

  #noteAwaited(host: HostSlot): void {
    const { phase } = host.slot;
    const settle = this.#awaited.get(host);
    if (settle === undefined) return;
    if (phase.name === "ready") settle(null);
    else if (phase.name === "given-up") settle(cannotStart("invalid-model", phase.reason));
    else if (phase.name === "stopped") settle(cannotStart("conflict", "it was stopped meanwhile"));
    else return;
    this.#awaited.delete(host);
  }

  #makeHost(replica: number, findings?: HostFindings): HostSlot {
    const { makeSlot, nextOrdinal, listener } = this.#parts;
    const poison = this.#poison;
    const own = { replica, ordinal: nextOrdinal(), poison };
    const plan: SlotPlan = { ...this.plan, ...own, ...(findings && { findings }) };
    const host: HostSlot = makeSlot(plan, {
      onChange: () => {
        this.#noteAwaited(host);
        listener.onChange(this, host);
      },
      onStep: (step) => listener.onStep(this, host, step),
      onBeat: () => listener.onBeat(this, host),
      onWatch: () => listener.onWatch(this, host),
      onMetrics: (reportId, metrics) => listener.onMetrics(host, reportId, metrics),
      onPoison: (fingerprint) => {
        for (const { slot } of this.all) slot.send({ type: "poison", fingerprint });
      },
      onDown: (hostId, exit) => listener.onDown(this, host, hostId, exit),
    });
    return host;
  }
}

function cannotStart(code: "invalid-model" | "conflict", problem: string): TroupeError {
  return new TroupeError(code, `Cannot start another replica: ${problem}`);
}
