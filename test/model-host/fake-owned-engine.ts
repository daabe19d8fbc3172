import type { NamedTensor, OwnedEngine, RunResult } from "../../model-host/engine.ts";
import { type Compute, FakeEngine } from "./fake-engine.ts";

/** As a host owns it: on the host's own thread it takes neither the memory of inputs nor a batch while another runs. */
export class FakeOwnedEngine extends FakeEngine implements OwnedEngine {
  readonly #isInline: boolean;
  /** What its runs take. */
  runMs = 0.01;
  isClosed = false;

  constructor(compute: Compute, { isInline = false } = {}) {
    super(compute);
    this.#isInline = isInline;
    this.takesNext = !isInline;
  }

  override get takesMemory(): boolean {
    return !this.#isInline;
  }

  override async run(
    inputs: readonly NamedTensor[],
    fetches: readonly string[],
  ): Promise<RunResult> {
    if (this.isClosed) throw new Error("it is closed");
    const given = this.#isInline ? structuredClone(inputs) : inputs;
    return { ...(await super.run(given, fetches)), runMs: this.runMs };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
