import type { NamedFile } from "../src/protocol/control.ts";
import type { SessionSettings } from "../src/protocol/model-settings.ts";
import type { LoadedModel, NamedTensor, RunResult } from "./engine.ts";

export type EngineRequest =
  | {
      readonly type: "load";
      readonly file: string;
      readonly settings: SessionSettings;
      readonly beside: readonly NamedFile[];
    }
  | {
      readonly type: "run";
      readonly inputs: readonly NamedTensor[];
      readonly fetches: readonly string[];
    }
  | { readonly type: "close" };

/** Each request gets one reply, in order; the thread ends after that to a close. */
export type EngineReply =
  | { readonly type: "loaded"; readonly model: LoadedModel }
  | ({ readonly type: "ran" } & RunResult)
  | { readonly type: "closed" }
  | { readonly type: "failed"; readonly message: string };
