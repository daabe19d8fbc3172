/* A throwaway host: it loads a model that nobody knows yet, tries it, and ends, whatever the model does to it. */
import type { Clock } from "../src/platform/clock.ts";
import type { HostStep } from "../src/protocol/control.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { LastExit } from "./exit-cause.ts";
import type { GroupPlan, MakeHostSlot } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import { MemoryHistory } from "./memory-history.ts";
import { mebibyte } from "./memory-judge.ts";
import type { PoisonList } from "./poison-list.ts";

export interface TrialParts {
  readonly clock: Clock;
  readonly makeSlot: MakeHostSlot;
  readonly ordinal: number;
  readonly poison: PoisonList;
  readonly onStep: (step: HostStep) => void;
  /** Told of the host when it begins and when it is gone. */
  readonly onHost: (host: HostSlot, isThere: boolean) => void;
}

/** A host that its batch trial ends gets one more start, without one. */
const restart = { intensity: 1, periodMs: 600_000, minBackoffMs: 0, maxBackoffMs: 0 };

/** What the model takes and gives. Rejects with `invalid-model` where it cannot be served, in ONNX Runtime's words. */
export async function tryModel(plan: GroupPlan, parts: TrialParts): Promise<ModelMetadata> {
  const trial = new Trial(plan, parts);
  const { host } = trial;
  parts.onHost(host, true);
  host.slot.start();
  const problem = await trial.outcome;
  const { metadata } = host;
  host.slot.apply({ type: "drain" });
  host.slot.kill("stop");
  await host.slot.stopped;
  parts.onHost(host, false);
  if (problem === null && metadata !== undefined) return metadata;
  throw new TroupeError("invalid-model", `Cannot serve model: ${problem}`);
}

class Trial {
  readonly host: HostSlot;
  readonly #clock: Clock;
  /** Bytes. */
  readonly #limit: number | null;
  #memory = new MemoryHistory();
  #last: LastExit | undefined;
  #settle: (problem: string | null) => void = () => undefined;
  /** What is wrong with the model; null where nothing is. */
  readonly outcome = new Promise<string | null>((resolve) => {
    this.#settle = resolve;
  });

  constructor(plan: GroupPlan, { clock, makeSlot, ordinal, poison, onStep }: TrialParts) {
    const { memoryMb } = plan.config.limits;
    const config = { ...plan.config, restart };
    this.#clock = clock;
    this.#limit = memoryMb === null ? null : memoryMb * mebibyte;
    const slotPlan = { ...plan, config, ordinal, poison, replica: 0, isThrowaway: true };
    this.host = makeSlot(slotPlan, {
      onChange: () => this.#onChange(),
      onStep,
      onBeat: () => undefined,
      onWatch: () => this.#look(),
      onMetrics: () => undefined,
      onPoison: () => undefined,
      onDown: (_, exit) => this.#onDown(exit),
    });
  }

  #onChange(): void {
    const { phase } = this.host.slot;
    if (phase.name === "stopped") this.#settle("the server is stopping");
    if (phase.name !== "given-up") return;
    const last = this.#last;
    this.#settle(last === undefined || last.code === 0 ? phase.reason : wordsFor(last));
  }

  #onDown(exit: LastExit): void {
    this.#last = exit;
    this.#memory = new MemoryHistory();
    if (exit.cause === "load-timeout" && !this.host.isInTrial) this.#settle(wordsFor(exit));
  }

  /** One that is ready has passed when it is seen within its limit. */
  #look(): void {
    const isReady = this.host.slot.phase.name === "ready";
    const limit = this.#limit;
    const rssBytes = limit === null ? null : this.host.slot.rssBytes;
    if (limit === null || rssBytes === null || rssBytes <= limit) {
      if (isReady) this.#settle(null);
      return;
    }
    const sample = { at: this.#clock.now(), rssBytes };
    const verdict = this.#memory.look(sample, { limitBytes: limit, isLoaded: isReady });
    if (verdict.type !== "fine") this.#settle(verdict.words);
  }
}

function wordsFor({ cause }: LastExit): string {
  if (cause === "load-timeout") return "loading it took too long (timeouts.load_ms)";
  return `it ended the process that loaded it (${cause})`;
}
