/*
 * One model: its groups of hosts, of which a rollout moves traffic from some to others. It owns what runs; what should
 * run, and what is written, are its callers' to say.
 */
import type { ModelVersion } from "../src/config/model-folder.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import { type GroupListener, HostGroup } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import { adjust, isServedBy, keptBy, refuseLimit, tooFew } from "./kept-groups.ts";
import type { LifeParts, MoveOptions } from "./life-parts.ts";
import type { ModelPlan, ServePlan } from "./model-plan.ts";
import type { Rollout } from "./rollout.ts";
import { type RolloutOwner, RolloutRun, refuseOvertaken } from "./rollout-run.ts";

interface Move {
  readonly versions: readonly ModelVersion[];
  /** Those that make way. */
  readonly old: readonly HostGroup[];
  readonly kept: readonly HostGroup[];
}

export class ModelLife {
  readonly name: string;
  readonly #parts: LifeParts;
  config: ModelConfig | null = null;
  problem: string | null = null;
  #groups: HostGroup[] = [];
  /** The last one, whatever has become of it. */
  #run: RolloutRun | undefined;
  /** The one before, which goes on baking until that one has moved traffic. */
  #baking: RolloutRun | undefined;
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

  /** Those that get the traffic. */
  get serving(): readonly HostGroup[] {
    return this.#groups.filter(({ stage }) => stage === "serving");
  }

  /** The versions that get the traffic, and can do with it. */
  get hopeful(): readonly string[] {
    return this.serving.filter(({ isHopeful }) => isHopeful).map(({ version }) => version);
  }

  get rollout(): Rollout | undefined {
    return this.#run?.rollout;
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
    const { renew = new Set(), commit, onDone } = options;
    // A rollout that bakes goes on baking where nothing else is wanted.
    if (this.#isAsPlanned(plan, renew)) {
      await commit?.();
      onDone?.();
      return;
    }
    const kept = [...keptBy(plan, this.serving, renew).values()];
    if (plan.config.limits.memoryMb !== this.config?.limits.memoryMb) refuseLimit(plan, kept);
    const old = this.serving.filter((group) => !kept.includes(group));
    const goesOn = new Set(kept.map(({ version }) => version));
    const versions = plan.versions.filter(({ version }) => !goesOn.has(version));
    for (const { version } of [...plan.versions, ...old]) this.failures.delete(version);
    await this.#widened({ versions, old, kept }, plan.config, options);
  }

  /** Replicas are added first, and taken away last; where the move fails there are as many as before. */
  async #widened(move: Move, config: ModelConfig, options: MoveOptions): Promise<void> {
    const { versions, kept } = move;
    const fewer = tooFew(kept, config);
    try {
      if (fewer.length > 0) await this.#widen(fewer, config);
      refuseOvertaken([...move.kept, ...move.old]);
      if (versions.length > 0) await this.#rollOut(move, config, options);
      else await this.#narrow(move, config, options);
    } catch (thrown) {
      // A rollback may have come in between.
      await this.#adjust(kept, this.config ?? config);
      refuseOvertaken([...move.kept, ...move.old]);
      throw thrown;
    }
  }

  /** Nothing is new. */
  async #narrow(move: Move, config: ModelConfig, options: MoveOptions): Promise<void> {
    const { old, kept } = move;
    await options.commit?.();
    refuseOvertaken([...move.kept, ...move.old]);
    this.supersede();
    this.problem = null;
    this.config = config;
    await this.#adjust(kept, config);
    await this.#leave(old);
    options.onDone?.();
  }

  #isAsPlanned(plan: ServePlan, renew: ReadonlySet<string>): boolean {
    const isConfigured = JSON.stringify(this.config) === JSON.stringify(plan.config);
    return this.problem === null && isConfigured && isServedBy(plan, this.serving, renew);
  }

  /** Resolves when nothing of it runs any more. */
  async end(): Promise<void> {
    const { config } = this;
    if (config !== null) await this.move({ type: "serve", config, versions: [] });
    await this.quiet();
  }

  /** Nothing of it runs, and this is why. */
  refuse(problem: string): void {
    this.problem = problem;
    this.#parts.listener.onView(this);
  }

  /** What is known of a version that is gone does not hold of the next one with its name. */
  forget(version: string): void {
    this.known.delete(version);
    this.failures.delete(version);
  }

  /** Whoever asks for what is not wanted any more is not told why it is not there. */
  forgive(isWanted: (version: string) => boolean): void {
    const unwanted = [...this.failures.keys()].filter((version) => !isWanted(version));
    for (const version of unwanted) this.failures.delete(version);
    if (unwanted.length > 0) this.#parts.listener.onView(this);
  }

  /** Versions that could take the traffic back, or have it. */
  get standingBy(): readonly string[] {
    const groups = this.#groups.filter(({ stage }) => stage === "serving" || stage === "standby");
    return groups.flatMap(({ isHopeful, version }) => (isHopeful ? version : []));
  }

  /** A rollout that only waits for its time to pass is over. */
  supersede(): void {
    for (const run of [this.#baking, this.#run]) run?.apply({ type: "superseded" });
  }

  noteBreaker(group: HostGroup): void {
    const reason = "its circuit breaker opened";
    this.#runOf(group)?.apply({ type: "breaker-opened", reason }, group.version);
  }

  /** False where no rollout of it is under way that could be rolled back. */
  noteMemory(group: HostGroup, reason: string): boolean {
    const run = this.#runOf(group);
    const before = run?.rollout.name;
    run?.apply({ type: "given-up", reason }, group.version);
    return run?.rollout.name !== before;
  }

  async #widen(groups: readonly HostGroup[], { replicas }: ModelConfig): Promise<void> {
    const scaling = groups.map((group) => group.scale(replicas));
    this.#parts.listener.onView(this);
    await Promise.all(scaling);
  }

  async #adjust(groups: readonly HostGroup[], config: ModelConfig): Promise<void> {
    await adjust(groups, config);
    this.#parts.listener.onView(this);
  }

  #rollOut(
    { versions, old, kept }: Move,
    config: ModelConfig,
    options: MoveOptions,
  ): Promise<void> {
    const fresh = versions.map((version) => this.#makeGroup(version, config, "new"));
    this.#groups = [...this.#groups, ...fresh];
    const before = this.config;
    const { clock } = this.#parts;
    const groups = { fresh, old, kept };
    const run = new RolloutRun({ ...groups, config, before, options, clock, owner: this.#owner });
    this.#baking = this.#run?.isBaking === true ? this.#run : undefined;
    this.#run = run;
    this.config ??= config;
    run.start();
    return run.moved;
  }

  get #owner(): RolloutOwner {
    const { listener } = this.#parts;
    return {
      onStep: (run) => {
        const versions = run.fresh.map(({ version }) => version);
        listener.onRollout(this, versions, run.rollout);
        if (run.rollout.name === "rolled-back") this.#fallBack(run);
        listener.onView(this);
      },
      onConfig: (config, kept) => {
        this.problem = null;
        this.config = config;
        // What comes of it shows in the view.
        if (config !== null) this.#adjust(kept, config).catch(() => undefined);
      },
      onSwitch: () => {
        this.#baking?.apply({ type: "superseded" });
        this.#baking = undefined;
        listener.onView(this);
      },
      onFailed: (version, words) => this.failures.set(version, words),
      leave: (groups) => void this.#leave(groups),
    };
  }

  /** Of two that are under way, the later cannot outlive the earlier, on which it stands. */
  #fallBack(run: RolloutRun): void {
    const baking = this.#baking;
    this.#baking = undefined;
    if (run === baking) this.#run?.cancel();
    else if (baking?.isBaking === true) this.#run = baking;
  }

  #makeGroup(version: ModelVersion, config: ModelConfig, stage: "new" | "serving"): HostGroup {
    const plan = { model: this.name, ...version, config };
    return new HostGroup({ ...this.#parts, listener: this.#groupListener() }, plan, stage);
  }

  #groupListener(): GroupListener {
    const { listener } = this.#parts;
    return {
      onChange: (group, host) => this.#onChange(group, host),
      onStep: (group, _, step) => {
        // Elsewhere a host only starts again, or one more does: nothing is rolled out.
        const isRolledOut = this.#runOf(group)?.rollout.name === "starting";
        if (isRolledOut) listener.onStep(this, group.version, step);
      },
      onBeat: (group, host) => listener.onBeat(group, host, this),
      onWatch: (group, host) => listener.onWatch(group, host, this),
      onMetrics: (host, reportId, metrics) => listener.onMetrics(host, reportId, metrics),
      onDown: (group, host, hostId, exit) => {
        listener.onDown(host, hostId, exit);
        const isWanted = host.slot.phase.name === "draining" || host.slot.phase.name === "given-up";
        if (isWanted) return;
        const reason = `its host ended (${exit.cause})`;
        const replica = `${group.version}/${host.replica}`;
        this.#runOf(group)?.apply({ type: "exited", replica, reason }, group.version);
      },
    };
  }

  /** The rollout in which the group is new. */
  #runOf(group: HostGroup): RolloutRun | undefined {
    return [this.#run, this.#baking].find((run) => run?.fresh.includes(group));
  }

  #onChange(group: HostGroup, host: HostSlot): void {
    this.#parts.listener.onHost(host);
    const { phase } = host.slot;
    if (host.metadata !== undefined) this.known.set(group.version, host.metadata);
    const run = this.#runOf(group);
    if (phase.name === "given-up") {
      run?.apply({ type: "given-up", reason: phase.reason }, group.version);
    } else if (run?.isReady) run.apply({ type: "ready" });
    this.#parts.listener.onView(this);
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
