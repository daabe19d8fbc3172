/* What the hosts of one slot have found out about their model, for those that take their place. */
import type { HostSpec, TrialResult } from "../src/protocol/control.ts";
import type { EngineThread } from "../src/protocol/views.ts";

export class HostFindings {
  #skipTrial: string | null = null;
  #isSlow = false;
  #known: TrialResult | null = null;

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

  /** A host that was told to leave the trial out has none to speak of. */
  noteTried(result: TrialResult): void {
    if (!this.skipsTrial) this.#known = result;
  }

  /** By itself a host may say what it likes: what serves nobody, or comes from one that kept no protocol, is tried anew. */
  doubt(): void {
    this.#known = null;
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
