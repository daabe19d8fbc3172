/* What a line of the journal can say. */
import { modelMetadata } from "../src/protocol/event-parsing.ts";
import {
  attempt,
  type Fields,
  fieldsOf,
  list,
  nullOr,
  oneOf,
  text,
} from "../src/protocol/field-parsing.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";

export interface Installing {
  readonly model: string;
  readonly version: string;
  /** The text of the model.yaml that comes with it. */
  readonly config: string | null;
  /** The text that it takes the place of, empty where there is none. */
  readonly before: string;
}

/** What is taken back where the rollout does not last. */
export interface RollingOut {
  readonly id: string;
  /** Those that serve until then, and are begun with after a kill. */
  readonly served: readonly string[];
  /** Those that are new: where one of them is condemned, the rollout has failed. */
  readonly versions: readonly string[];
  /** Null where the model.yaml stays as it is. */
  readonly rewrite: Rewrite | null;
}

/** Two texts of a model.yaml, empty where there is none. */
export interface Rewrite {
  readonly before: string;
  readonly written: string;
}

export interface RolledBack {
  /** Of the version's files. */
  readonly digest: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
}

/** What was found out of a version when it was loaded. */
export interface Described {
  /** Of the version's file. */
  readonly digest: string;
  readonly metadata: ModelMetadata;
}

/** Versions are null where the whole model is meant. */
export type JournalEntry =
  | {
      readonly type: "unloaded" | "loaded" | "deleted";
      readonly model: string;
      readonly version: string | null;
    }
  | ({
      readonly type: "rolled-back";
      readonly model: string;
      readonly version: string;
    } & RolledBack)
  /** Forgiven is a version that was rolled back and may be tried again. */
  | {
      readonly type: "forgiven" | "installed";
      readonly model: string;
      readonly version: string;
    }
  | ({ readonly type: "installing" } & Installing)
  | ({
      readonly type: "described";
      readonly model: string;
      readonly version: string;
    } & Described)
  | ({ readonly type: "rolling-out"; readonly model: string } & RollingOut)
  /** It has lasted, or is taken back. */
  | { readonly type: "rolled-out"; readonly model: string; readonly id: string };

const types = [
  "unloaded",
  "loaded",
  "deleted",
  "rolled-back",
  "forgiven",
  "installed",
  "installing",
  "described",
  "rolling-out",
  "rolled-out",
] as const;

/** Undefined where the entry cannot be read, such as one of a newer Troupe. */
export function parseEntry(value: unknown): JournalEntry | undefined {
  return attempt(() => readEntry(fieldsOf(value)));
}

function readEntry(fields: Fields): JournalEntry {
  const type = oneOf(types, fields["type"]);
  const model = anyText(fields["model"]);
  switch (type) {
    case "unloaded":
    case "loaded":
    case "deleted":
      return { type, model, version: nullOr(anyText, fields["version"]) };
    case "rolled-back":
      return {
        type,
        model,
        version: anyText(fields["version"]),
        digest: anyText(fields["digest"]),
        reason: anyText(fields["reason"]),
        at: anyText(fields["at"]),
      };
    case "forgiven":
    case "installed":
      return { type, model, version: anyText(fields["version"]) };
    case "described": {
      const metadata = modelMetadata(fieldsOf(fields["metadata"]));
      const digest = anyText(fields["digest"]);
      return { type, model, version: anyText(fields["version"]), digest, metadata };
    }
    case "installing": {
      const config = nullOr(anyText, fields["config"]);
      const before = anyText(fields["before"]);
      return { type, model, version: anyText(fields["version"]), config, before };
    }
    case "rolling-out":
      return {
        type,
        model,
        id: anyText(fields["id"]),
        served: list(fields["served"]).map(anyText),
        versions: list(fields["versions"] ?? []).map(anyText),
        rewrite: nullOr(readRewrite, fields["rewrite"]),
      };
    case "rolled-out":
      return { type, model, id: anyText(fields["id"]) };
  }
}

function readRewrite(value: unknown): Rewrite {
  const fields = fieldsOf(value);
  return { before: anyText(fields["before"]), written: anyText(fields["written"]) };
}

/** Of any length: we wrote it ourselves. */
function anyText(value: unknown): string {
  return text(value, Number.MAX_SAFE_INTEGER);
}
