/* What a front door asks the supervisor on behalf of a caller, and what becomes of it. */
import type { LogLevel } from "./control.ts";
import type { Failure } from "./errors.ts";
import type { TraceChange } from "./traces.ts";

/** One file of an upload, as it lies in the upload's own folder. */
export interface UploadedFile {
  /** As the client calls it: a plain name. */
  readonly name: string;
  /** An absolute path. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the content, in hexadecimal. */
  readonly digest: string;
}

/** Of the text of a model.yaml, and of a patch to one: what is longer would hold up whoever reads it. */
export const maxConfigBytes = 65_536;
/** Of one version. */
export const maxUploadFiles = 64;

/** A change of what runs. Versions are null where the caller names none. */
export type ModelChange =
  | {
      readonly type: "upload";
      readonly uploadId: string;
      readonly model: string;
      readonly version: string | null;
      /** The text of a model.yaml, YAML or JSON, or of what `dialect` says. */
      readonly config: string | null;
      /** Triton's ModelConfig as JSON. */
      readonly dialect?: "triton";
      readonly files: readonly UploadedFile[];
    }
  | {
      readonly type: "load" | "unload" | "restart" | "delete";
      readonly model: string;
      readonly version: string | null;
    }
  /** `patch` is the text of a JSON object: keys of model.yaml, where null gives a key its default back. */
  | { readonly type: "patch"; readonly model: string; readonly patch: string }
  /** `config` is Triton's ModelConfig as JSON: it takes the place of model.yaml, and the model is loaded. */
  | { readonly type: "configure"; readonly model: string; readonly config: string };

export type Question =
  | { readonly type: "tree" }
  | { readonly type: "metrics" }
  /** Of all models where it is null, and of all versions. */
  | {
      readonly type: "statistics";
      readonly model: string | null;
      readonly version: string | null;
    }
  /** Answered with `{"level"}`, as it is then; null changes nothing. */
  | { readonly type: "log-level"; readonly level: LogLevel | null }
  /** Answered with `{"id","logs"}`; with `clear` they are forgotten first. */
  | { readonly type: "logs"; readonly model: string; readonly clear: boolean }
  /** Of all models where it is null; answered with the settings as they are then. */
  | {
      readonly type: "trace-setting";
      readonly model: string | null;
      readonly change: TraceChange;
    }
  /** Answered with `{"traces"}`, newest first. */
  | { readonly type: "traces"; readonly model: string | null }
  | { readonly type: "models" }
  | { readonly type: "model"; readonly model: string }
  | { readonly type: "version"; readonly model: string; readonly version: string }
  | { readonly type: "config"; readonly model: string }
  /** Answered with `{"upload_id", "folder"}`: a fresh folder to stream files into. */
  | { readonly type: "open-upload"; readonly requestId: string }
  /** The upload's model is known: `conflict` where another upload of it is under way, or the version is there. */
  | {
      readonly type: "name-upload";
      readonly uploadId: string;
      readonly model: string;
      readonly version: string | null;
    }
  /** `requestId` is that of the request that asks for it. */
  | { readonly type: "change"; readonly change: ModelChange; readonly requestId: string };

/** The text of a JSON document, but for `metrics`. */
export type Reply =
  | { readonly type: "body"; readonly body: string }
  | { readonly type: "failed"; readonly failure: Failure };

/** What happened to a model, a host or a change, for the feed. */
export interface FeedEvent {
  /** From 1, without gaps, in one run of the supervisor. */
  readonly seq: number;
  /** ISO 8601. */
  readonly at: string;
  readonly type: "model" | "host" | "change" | "upload";
  readonly model: string | null;
  readonly version: string | null;
  /** The state that was reached, or the step that was done. */
  readonly state: string;
  readonly reason: string | null;
  /** What belongs to this kind of event, in snake_case. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/** How many of the last events are kept for replay. */
export const feedLength = 1_000;
