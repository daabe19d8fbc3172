/* What the hosts of one slot have found out about their model, for those that take their place. */
import type { HostSpec, TrialResult } from "../src/protocol/control.ts";
import type { EngineThread } from "../src/protocol/views.ts";
import { type ExitVerdict, isOfTrial } from "./exit-cause.ts";

export class HostFindings {
  #skipTrial: string | null = null;
  #slow: string | null = null;
  #known: TrialResult | null = null;

  constructor(before?: HostFindings) {
    if (before !== undefined) {
      ({ skipTrial: this.#skipTrial, slow: this.#slow, known: this.#known } = before.told);
    }
  }

  get told(): Pick<HostSpec, "skipTrial" | "slow" | "known"> {
    return { skipTrial: this.#skipTrial, slow: this.#slow, known: this.#known };
  }

  get needsThread(): boolean {
    return this.#slow !== null || this.#known?.onThread === true;
  }

  get skipsTrial(): boolean {
    return this.#skipTrial !== null;
  }

  noteSlow(reason: string): void {
    this.#slow = reason;
  }

  /** A host that was told to leave the trial out has none to speak of. */
  noteTried(result: TrialResult): void {
    if (!this.skipsTrial) this.#known = result;
  }

  /** What came back to the main thread does for it after all. */
  noteEngine(thread: EngineThread): void {
    if (thread === "own") return;
    this.#slow = null;
    if (this.#known !== null) this.#known = { ...this.#known, onThread: false };
  }

  /**
   * Past a trial that ended it a host starts again without one. What one found out that never served, or that kept no
   * protocol, is tried anew: it may be wrong, and the reason why the host ended.
   */
  noteEnd(
    exit: Pick<ExitVerdict, "cause" | "blame">,
    { inTrial, wasReady }: { readonly inTrial: boolean; readonly wasReady: boolean },
  ): void {
    const isFatalTrial = inTrial && isOfTrial(exit);
    if (isFatalTrial) this.#skipTrial = `the trial ended the host (${exit.cause})`;
    if (isFatalTrial || exit.cause === "protocol" || (!wasReady && isOfTrial(exit))) {
      this.#known = null;
    }
  }
}
