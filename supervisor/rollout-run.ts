/* Carries one rollout out, as the table in rollout.ts says. Which hosts are new, and what is written, are its model's. */
import type { Clock } from "../src/platform/clock.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { HostGroup } from "./host-group.ts";
import type { MoveOptions } from "./life-parts.ts";
import {
  advance,
  newRollout,
  type Rollout,
  type RolloutEffect,
  type RolloutEvent,
  rollbackWords,
} from "./rollout.ts";

/** The model whose rollout it is. */
export interface RolloutOwner {
  onStep(run: RolloutRun): void;
  /** It holds from now on, of those too that go on. */
  onConfig(config: ModelConfig | null, kept: readonly HostGroup[]): void;
  /** Traffic is to go elsewhere now. */
  onSwitch(): void;
  onFailed(version: string, words: string): void;
  leave(groups: readonly HostGroup[]): void;
}

export interface RolloutParts {
  readonly clock: Clock;
  readonly owner: RolloutOwner;
  readonly fresh: readonly HostGroup[];
  readonly old: readonly HostGroup[];
  /** Others that serve before it and after it. */
  readonly kept: readonly HostGroup[];
  readonly config: ModelConfig;
  readonly before: ModelConfig | null;
  readonly options: MoveOptions;
}

export class RolloutRun {
  readonly #parts: RolloutParts;
  /** Resolves when traffic has moved, rejects where it will not. */
  readonly moved: Promise<void>;
  rollout: Rollout = newRollout;
  #settle: (problem: TroupeError | null) => void = () => undefined;
  #disarm: () => void = () => undefined;
  #culprit: string | null = null;
  #cancelled: TroupeError | null = null;

  constructor(parts: RolloutParts) {
    this.#parts = parts;
    this.moved = new Promise((resolve, reject) => {
      this.#settle = (problem) => (problem === null ? resolve() : reject(problem));
    });
  }

  get fresh(): readonly HostGroup[] {
    return this.#parts.fresh;
  }

  get isReady(): boolean {
    return this.fresh.every(({ isReady }) => isReady);
  }

  start(): void {
    this.#parts.owner.onStep(this);
    for (const group of this.fresh) group.start();
  }

  get isBaking(): boolean {
    return this.rollout.name === "baking";
  }

  /** What it was to take the place of is not there any more. */
  cancel(): void {
    this.#cancelled = overtaken();
    this.apply({ type: "cancelled", reason: overtakenReason });
  }

  /** `version` is that of the host that it comes from, if any. */
  apply(event: RolloutEvent, version: string | null = null): void {
    const { old, kept, config, owner } = this.#parts;
    const before = this.rollout.name;
    const hasOld = [...old, ...kept].some(({ isHopeful }) => isHopeful);
    const terms = { hasOld, bakeMs: config.bakeMs };
    const { rollout, effects } = advance(this.rollout, event, terms);
    if (rollout.name === "rolled-back" && before !== "rolled-back") this.#culprit = version;
    this.rollout = rollout;
    for (const effect of effects) this.#carryOut(effect);
    if (rollout.name !== before) owner.onStep(this);
    if (rollout.name === "done" && before !== "done") this.#parts.options.onDone?.();
    // What is being written meanwhile is waited for.
    if (rollout.name === "rolled-back" && before === "starting") this.#fail(rollout.reason);
  }

  #fail(reason: string): void {
    this.#parts.options.onFailed?.({ reason, culprit: this.#culprit });
    const refused = new TroupeError("invalid-model", `Cannot serve model: ${reason}`);
    this.#settle(this.#cancelled ?? refused);
  }

  #carryOut(effect: RolloutEffect): void {
    const { owner, old, kept, clock, config } = this.#parts;
    switch (effect) {
      case "commit":
        void this.#commit();
        return;
      case "switch":
        for (const group of this.fresh) group.stage = "serving";
        for (const group of old) group.stage = "standby";
        owner.onConfig(config, kept);
        owner.onSwitch();
        this.#settle(null);
        return;
      case "switch-back":
        this.#switchBack();
        return;
      case "bake":
        this.#disarm = clock.after(config.bakeMs, () => this.apply({ type: "baked" }));
        return;
      case "drain-old":
        this.#disarm();
        owner.leave(old);
        return;
      case "drain-new":
        this.#noteFailures();
        owner.leave(this.fresh);
        return;
    }
  }

  async #commit(): Promise<void> {
    try {
      await this.#parts.options.commit?.();
    } catch (thrown) {
      const isOurs = thrown instanceof TroupeError;
      this.#settle(isOurs ? thrown : new TroupeError("internal", "internal error"));
      this.apply({ type: "cancelled", reason: "its files could not be written" });
      return;
    }
    if (this.rollout.name === "rolled-back") this.#fail(this.rollout.reason);
    else this.apply({ type: "committed" });
  }

  #switchBack(): void {
    const { old, kept, before, owner, options } = this.#parts;
    this.#disarm();
    for (const group of old) group.stage = "serving";
    owner.onConfig(before, kept);
    const reason = this.rollout.name === "rolled-back" ? this.rollout.reason : "";
    // One that goes on under its old file or configuration is no version to stay away from.
    const goesOn = old.some(({ version }) => version === this.#culprit);
    const versions = this.#culprit === null || goesOn ? [] : [this.#culprit];
    options.onRolledBack?.(reason, versions);
  }

  #noteFailures(): void {
    const { owner, old, kept } = this.#parts;
    if (this.rollout.name !== "rolled-back") return;
    const { reason } = this.rollout;
    const hasOld = [...old, ...kept].some(({ isHopeful }) => isHopeful);
    for (const { version } of this.fresh) {
      const isInnocent = this.#culprit !== null && version !== this.#culprit;
      if (!isInnocent) owner.onFailed(version, hasOld ? rollbackWords(reason) : reason);
    }
  }
}

const overtakenReason = "the version before it was rolled back meanwhile";

/** For a change that was to go on from what is on its way out, as its rollout was rolled back. */
export function overtaken(): TroupeError {
  const words = `Cannot change model: ${overtakenReason}`;
  return new TroupeError("conflict", words, { retryAfterMs: 1_000 });
}

/** Throws where one of those from which a change goes on has made way meanwhile. */
export function refuseOvertaken(groups: readonly HostGroup[]): void {
  if (groups.some(({ stage }) => stage !== "serving")) throw overtaken();
}
