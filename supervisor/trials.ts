/* The throwaway hosts in which models are tried before anything of them is changed. */
import type { Clock } from "../src/platform/clock.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { Digests } from "./file-digest.ts";
import type { GroupPlan, MakeHostSlot } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import type { ModelRegistry } from "./model-registry.ts";
import { PoisonList } from "./poison-list.ts";
import { tryModel } from "./trial-host.ts";

export interface TrialsParts {
  readonly clock: Clock;
  readonly makeSlot: MakeHostSlot;
  readonly registry: Pick<ModelRegistry, "nextOrdinal">;
  readonly digests: Digests;
}

export class Trials {
  readonly #parts: TrialsParts;
  readonly #hosts = new Set<HostSlot>();

  constructor(parts: TrialsParts) {
    this.#parts = parts;
  }

  get hosts(): readonly HostSlot[] {
    return [...this.#hosts];
  }

  /** Rejects with `invalid-model`. */
  run(plan: GroupPlan, onStep: (step: string) => void): Promise<ModelMetadata> {
    const { clock, makeSlot, registry, digests } = this.#parts;
    // It is known then when the file is in its place.
    void digests.soon(plan.file);
    return tryModel(plan, {
      clock,
      makeSlot,
      ordinal: registry.nextOrdinal(),
      poison: new PoisonList(clock),
      onStep,
      onHost: (host, isThere) => {
        if (isThere) this.#hosts.add(host);
        else this.#hosts.delete(host);
      },
    });
  }
}
