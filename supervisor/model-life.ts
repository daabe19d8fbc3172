/*
 * One model: its groups of hosts, and the rollout that moves traffic from some to others. It owns what runs; what should
 * run, and what is written, are its callers' to say.
 */
import type { ModelVersion } from "../src/config/model-folder.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import { type GroupListener, HostGroup } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import { isServedBy, keptBy } from "./kept-groups.ts";
import type { LifeParts, MoveOptions } from "./life-parts.ts";
import type { ModelPlan, ServePlan } from "./model-plan.ts";
import {
  advance,
  newRollout,
  type Rollout,
  type RolloutEffect,
  type RolloutEvent,
  rollbackWords,
} from "./rollout.ts";

interface Move {
  rollout: Rollout;
  readonly fresh: readonly HostGroup[];
  readonly old: readonly HostGroup[];
  readonly config: ModelConfig;
  readonly before: ModelConfig | null;
  readonly options: MoveOptions;
  readonly settle: (problem: TroupeError | null) => void;
  disarm: () => void;
}

export class ModelLife {
  readonly name: string;
  readonly #parts: LifeParts;
  config: ModelConfig | null = null;
  problem: string | null = null;
  #groups: HostGroup[] = [];
  #move: Move | undefined;
  readonly #leaving = new Set<Promise<void>>();
  /** Why a version that should run does not. */
  readonly failures = new Map<string, string>();
  /** What was found out of versions while they were loaded. */
  readonly known = new Map<string, ModelMetadata>();

  constructor(name: string, parts: LifeParts) {
    this.name = name;
    this.#parts = parts;
  }

  get groups(): readonly HostGroup[] {
    return this.#groups;
  }

  get rollout(): Rollout | undefined {
    return this.#move?.rollout;
  }

  /** Makes the hosts that are there from the beginning; they begin with `start`. */
  boot(plan: ModelPlan): void {
    this.problem = plan.type === "broken" ? plan.problem : null;
    if (plan.type === "broken") return;
    this.config = plan.config;
    this.#groups = plan.versions.map((version) => this.#makeGroup(version, plan.config, "serving"));
  }

  start(): void {
    for (const group of this.#groups) group.start();
  }

  /**
   * Resolves when traffic has moved to what the plan says, or what is not in it any more is gone. Rejects with
   * `invalid-model` where it has not, and everything is as it was.
   */
  async move(plan: ServePlan, options: MoveOptions = {}): Promise<void> {
    const { renew = new Set(), commit } = options;
    // A rollout that bakes goes on baking where nothing else is wanted.
    if (commit === undefined && this.#isAsPlanned(plan, renew)) return;
    this.supersede();
    this.problem = null;
    const kept = keptBy(plan, this.#groups, renew);
    const missing = plan.versions.filter((version) => !kept.has(version.version));
    const old = this.#groups.filter(
      (group) => group.stage === "serving" && kept.get(group.version) !== group,
    );
    for (const { version } of [...plan.versions, ...old]) this.failures.delete(version);
    if (missing.length > 0) {
      await this.#rollOut(missing, old, plan.config, options);
      await this.#scale([...kept.values()], plan.config);
    } else {
      await this.#adjust([...kept.values()], plan.config, options);
      await this.#leave(old);
    }
  }

  #isAsPlanned(plan: ServePlan, renew: ReadonlySet<string>): boolean {
    const isConfigured = JSON.stringify(this.config) === JSON.stringify(plan.config);
    return this.problem === null && isConfigured && isServedBy(plan, this.#groups, renew);
  }

  /** Nothing of it runs, and this is why. */
  refuse(problem: string): void {
    this.problem = problem;
    this.#parts.listener.onView(this);
  }

  /** A rollout that only waits for its time to pass is over. */
  supersede(): void {
    this.#apply({ type: "superseded" });
  }

  cancel(reason: string): void {
    this.#apply({ type: "cancelled", reason });
  }

  noteBreaker(group: HostGroup): void {
    if (this.#move?.fresh.includes(group)) {
      this.#apply({ type: "breaker-opened", reason: "its circuit breaker opened" });
    }
  }

  /** What cannot be had, or written, leaves as many replicas as there were. */
  async #adjust(groups: HostGroup[], config: ModelConfig, { commit }: MoveOptions): Promise<void> {
    try {
      await this.#scale(groups, config);
      await commit?.();
    } catch (thrown) {
      await this.#scale(groups, this.config ?? config);
      throw thrown;
    }
    this.config = config;
  }

  async #scale(groups: readonly HostGroup[], config: ModelConfig): Promise<void> {
    for (const group of groups) group.config = config;
    await Promise.all(groups.map((group) => group.scale(config.replicas)));
    this.#parts.listener.onView(this);
  }

  #rollOut(
    versions: readonly ModelVersion[],
    old: readonly HostGroup[],
    config: ModelConfig,
    options: MoveOptions,
  ): Promise<void> {
    const fresh = versions.map((version) => this.#makeGroup(version, config, "new"));
    this.#groups = [...this.#groups, ...fresh];
    return new Promise((resolve, reject) => {
      const settle = (problem: TroupeError | null) =>
        problem === null ? resolve() : reject(problem);
      const before = this.config;
      const disarm = () => undefined;
      this.#move = { rollout: newRollout, fresh, old, config, before, options, settle, disarm };
      this.config ??= config;
      this.#tell();
      for (const group of fresh) group.start();
    });
  }

  #makeGroup(
    { version, file, beside }: ModelVersion,
    config: ModelConfig,
    stage: "new" | "serving",
  ): HostGroup {
    const plan = { model: this.name, version, file, beside, config };
    return new HostGroup({ ...this.#parts, listener: this.#groupListener() }, plan, stage);
  }

  #groupListener(): GroupListener {
    const { listener } = this.#parts;
    return {
      onChange: (group, host) => this.#onChange(group, host),
      onStep: (group, _, step) => listener.onStep(this, group.version, step),
      onBeat: (group, host) => listener.onBeat(group, host, this),
      onMetrics: (host, reportId, metrics) => listener.onMetrics(host, reportId, metrics),
      onDown: (group, host, hostId, exit) => {
        listener.onDown(host, hostId, exit);
        const isWanted = host.slot.phase.name === "draining" || host.slot.phase.name === "given-up";
        if (isWanted || !this.#move?.fresh.includes(group)) return;
        this.#apply({ type: "exited", reason: `its host ended (${exit.cause})` });
      },
    };
  }

  #onChange(group: HostGroup, host: HostSlot): void {
    this.#parts.listener.onHost(host);
    const { phase } = host.slot;
    if (host.metadata !== undefined) this.known.set(group.version, host.metadata);
    if (this.#move?.fresh.includes(group)) {
      if (phase.name === "given-up") this.#apply({ type: "given-up", reason: phase.reason });
      else if (this.#move.fresh.every(({ isReady }) => isReady)) this.#apply({ type: "ready" });
    }
    this.#parts.listener.onView(this);
  }

  #apply(event: RolloutEvent): void {
    const move = this.#move;
    if (move === undefined) return;
    const before = move.rollout.name;
    const terms = { hasOld: move.old.length > 0, bakeMs: move.config.bakeMs };
    const { rollout, effects } = advance(move.rollout, event, terms);
    move.rollout = rollout;
    for (const effect of effects) this.#carryOut(effect, move);
    if (rollout.name !== before) this.#tell();
    if (rollout.name === "rolled-back" && before !== "baking") {
      move.settle(new TroupeError("invalid-model", `Cannot serve model: ${rollout.reason}`));
    }
  }

  #tell(): void {
    const { listener } = this.#parts;
    if (this.#move === undefined) return;
    const versions = this.#move.fresh.map(({ version }) => version);
    listener.onRollout(this, versions, this.#move.rollout);
    listener.onView(this);
  }

  #carryOut(effect: RolloutEffect, move: Move): void {
    switch (effect) {
      case "commit":
        void this.#commit(move);
        return;
      case "switch":
        for (const group of move.fresh) group.stage = "serving";
        for (const group of move.old) group.stage = "standby";
        this.config = move.config;
        this.#parts.listener.onView(this);
        move.settle(null);
        return;
      case "switch-back":
        this.#switchBack(move);
        return;
      case "bake":
        move.disarm = this.#parts.clock.after(move.config.bakeMs, () => {
          if (this.#move === move) this.#apply({ type: "baked" });
        });
        return;
      case "drain-old":
        move.disarm();
        void this.#leave(move.old);
        return;
      case "drain-new":
        this.#noteFailures(move);
        void this.#leave(move.fresh);
        return;
    }
  }

  async #commit(move: Move): Promise<void> {
    try {
      await move.options.commit?.();
    } catch (thrown) {
      move.settle(
        thrown instanceof TroupeError ? thrown : new TroupeError("internal", "internal error"),
      );
      if (this.#move === move) this.cancel("its files could not be written");
      return;
    }
    const { rollout } = move;
    // What was written while it was rolled back is of no use either.
    if (rollout.name === "rolled-back") move.options.onRolledBack?.(rollout.reason, []);
    else if (this.#move === move) this.#apply({ type: "committed" });
  }

  #switchBack(move: Move): void {
    move.disarm();
    for (const group of move.old) group.stage = "serving";
    this.config = move.before;
    const { rollout } = move;
    const reason = rollout.name === "rolled-back" ? rollout.reason : "";
    // One that goes on under its old file or configuration is no version to stay away from.
    const versions = move.fresh
      .map(({ version }) => version)
      .filter((version) => !move.old.some((group) => group.version === version));
    move.options.onRolledBack?.(reason, versions);
  }

  #noteFailures({ fresh, rollout, before }: Move): void {
    if (rollout.name !== "rolled-back") return;
    this.config = before ?? this.config;
    for (const { version } of fresh) this.failures.set(version, rollbackWords(rollout.reason));
  }

  /** Resolves when every process that was on its way out is gone. */
  async quiet(): Promise<void> {
    while (this.#leaving.size > 0) await Promise.all(this.#leaving);
  }

  #leave(groups: readonly HostGroup[]): Promise<void> {
    const leaving = this.#drain(groups).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    return leaving;
  }

  async #drain(groups: readonly HostGroup[]): Promise<void> {
    for (const group of groups) group.stage = "leaving";
    this.#parts.listener.onView(this);
    await Promise.all(groups.map((group) => group.drain()));
    this.#groups = this.#groups.filter((group) => !groups.includes(group));
    this.#parts.listener.onView(this);
  }
}
