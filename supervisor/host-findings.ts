/* What the hosts of one slot have found out about their model, for those that take their place. */
import type { HostSpec, TrialResult } from "../src/protocol/control.ts";
import type { EngineThread } from "../src/protocol/views.ts";

export class HostFindings {
  #skipTrial: string | null = null;
  #isSlow = false;
  #known: TrialResult | null = null;

  constructor(before?: HostFindings) {
    if (before !== undefined) {
      ({ skipTrial: this.#skipTrial, isSlow: this.#isSlow, known: this.#known } = before.told);
    }
  }

  get told(): Pick<HostSpec, "skipTrial" | "isSlow" | "known"> {
    return { skipTrial: this.#skipTrial, isSlow: this.#isSlow, known: this.#known };
  }

  get needsThread(): boolean {
    return this.#isSlow || this.#known?.onThread === true;
  }

  get skipsTrial(): boolean {
    return this.#skipTrial !== null;
  }

  noteSlow(): void {
    this.#isSlow = true;
  }

  noteTried(result: TrialResult): void {
    this.#known = result;
  }

  /** What came back to the main thread does for it after all. */
  noteEngine(thread: EngineThread): void {
    if (thread === "own") return;
    this.#isSlow = false;
    if (this.#known !== null) this.#known = { ...this.#known, onThread: false };
  }

  /** Past it the host starts again without a trial. */
  noteFatalTrial(cause: string): void {
    this.#skipTrial = `the trial ended the host (${cause})`;
    this.#known = null;
  }
}
