import type { NamedFile } from "../src/protocol/control.ts";
import type { Datatype } from "../src/protocol/model-metadata.ts";
import type { SessionSettings } from "../src/protocol/model-settings.ts";
import type { Tensor } from "../src/tensors/tensor.ts";

/** A value that a model takes or gives, as its file declares it. */
export interface ValueInfo {
  readonly name: string;
  /** Null where the value is no tensor, or of a datatype that cannot be fed or fetched. */
  readonly datatype: Datatype | null;
  /** Numbers are fixed sizes, texts the names of free ones (empty: nameless). */
  readonly dims: readonly (number | string)[];
  /** ONNX Runtime's word for what it is. */
  readonly kind: string;
}

export interface ModelInterface {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

export interface LoadedModel extends ModelInterface {
  /** Names of the files beside the model's that were read for its weights. */
  readonly externalFiles: readonly string[];
  /** Of all files that were read: the same only where none of them has changed. */
  readonly stamp: string;
}

export interface NamedTensor extends Tensor {
  readonly name: string;
}

export interface RunResult {
  /** In the order of the fetches. */
  readonly outputs: readonly Tensor[];
  readonly runMs: number;
}

/** Whatever runs the model: one run at a time, never interrupted. */
export interface Engine {
  /** What is given to it as input is gone for the giver. */
  readonly takesMemory: boolean;
  /** Whether it takes a run while another goes on, and runs them in turn without the thread that asks for them. */
  readonly takesNext: boolean;
  /** Rejects with `inference-failed`. */
  run(inputs: readonly NamedTensor[], fetches: readonly string[]): Promise<RunResult>;
}

/** To whoever has loaded it. */
export interface OwnedEngine extends Engine {
  /** Of the files beside the model those are read that it keeps data in. Rejects with `invalid-model` in ONNX Runtime's words. */
  load(file: string, settings: SessionSettings, beside: readonly NamedFile[]): Promise<LoadedModel>;
  /** Gives back its session's memory. Only where nothing runs; nothing is asked of it after that. */
  close(): Promise<void>;
}
