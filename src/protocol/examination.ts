/* What the command line asks of a process that looks at one model, and what that tells on its way. */
import type { NamedFile } from "./control.ts";
import type { ModelMetadata } from "./model-metadata.ts";
import type { SessionSettings } from "./model-settings.ts";

export interface Examine {
  /** An absolute path. */
  readonly file: string;
  readonly beside: readonly NamedFile[];
  readonly settings: SessionSettings;
  readonly maxBatchSize: number;
  /** To be measured, where so many rows share a run. */
  readonly rows: readonly number[];
}

/** In this order; each step has begun when the one before it is told. */
export type Finding =
  | { readonly type: "loaded"; readonly loadMs: number; readonly rssBytes: number }
  | { readonly type: "described"; readonly metadata: ModelMetadata }
  /** Null where ONNX Runtime refuses rows that are made up. */
  | { readonly type: "measured"; readonly rows: number; readonly runMs: number | null }
  | { readonly type: "done" }
  /** It cannot be served, and nothing follows. */
  | { readonly type: "refused"; readonly reason: string };
