/* A throwaway host: it loads a model that nobody knows yet, tries it, and ends, whatever the model does to it. */
import type { HostStep } from "../src/protocol/control.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { GroupPlan, MakeHostSlot } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import type { PoisonList } from "./poison-list.ts";
import type { LastExit } from "./slot.ts";

export interface TrialParts {
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
  const config = { ...plan.config, restart };
  const { ordinal, poison } = parts;
  let last: LastExit | undefined;
  let settle: (problem: string | null) => void = () => undefined;
  const settled = new Promise<string | null>((resolve) => {
    settle = resolve;
  });
  const slotPlan = { ...plan, config, ordinal, poison, replica: 0, isThrowaway: true };
  const host: HostSlot = parts.makeSlot(slotPlan, {
    onChange: () => {
      const { phase } = host.slot;
      if (phase.name === "ready") settle(null);
      else if (phase.name === "stopped") settle("the server is stopping");
      else if (phase.name === "given-up") {
        settle(last === undefined || last.code === 0 ? phase.reason : wordsFor(last));
      }
    },
    onStep: parts.onStep,
    onBeat: () => undefined,
    onMetrics: () => undefined,
    onPoison: () => undefined,
    onDown: (_, exit) => {
      last = exit;
      if (exit.cause === "load-timeout" && !host.isInTrial) settle(wordsFor(exit));
    },
  });
  parts.onHost(host, true);
  host.slot.start();
  const problem = await settled;
  const { metadata } = host;
  host.slot.apply({ type: "drain" });
  host.slot.kill("stop");
  await host.slot.stopped;
  parts.onHost(host, false);
  if (problem === null && metadata !== undefined) return metadata;
  throw new TroupeError("invalid-model", `Cannot serve model: ${problem}`);
}

function wordsFor({ cause }: LastExit): string {
  if (cause === "load-timeout") return "loading it took too long (timeouts.load_ms)";
  return `it ended the process that loaded it (${cause})`;
}
