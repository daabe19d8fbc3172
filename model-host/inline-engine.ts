/* An engine on the host's own thread, for models whose runs are bounded and far cheaper than the hop to another. */
import type { NamedFile } from "../src/protocol/control.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { SessionSettings } from "../src/protocol/model-settings.ts";
import type { LoadedModel, NamedTensor, OwnedEngine, RunResult } from "./engine.ts";

type SessionModule = typeof import("./session.ts");
type Session = Awaited<ReturnType<SessionModule["Session"]["load"]>>;

export class InlineEngine implements OwnedEngine {
  readonly takesMemory = false;
  readonly takesNext = false;
  #module: SessionModule | undefined;
  #session: Session | undefined;

  async load(
    file: string,
    settings: SessionSettings,
    beside: readonly NamedFile[],
  ): Promise<LoadedModel> {
    // Not at the top: a host with an engine thread does without a second ONNX Runtime.
    this.#module = await import("./session.ts");
    try {
      this.#session = await this.#module.Session.load(file, settings, beside);
    } catch (thrown) {
      throw new TroupeError("invalid-model", this.#module.ortWords(thrown), { cause: thrown });
    }
    return this.#session.model;
  }

  async run(inputs: readonly NamedTensor[], fetches: readonly string[]): Promise<RunResult> {
    try {
      if (this.#session === undefined) throw new Error("no model is loaded");
      return await this.#session.run(inputs, fetches);
    } catch (thrown) {
      const cause = this.#module?.ortWords(thrown);
      throw new TroupeError(
        "inference-failed",
        "Cannot run model: ONNX Runtime refused the inputs",
        {
          cause,
        },
      );
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}
