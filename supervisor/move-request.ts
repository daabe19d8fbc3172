/* What the mover is asked to do. */
import type { ModelFolder } from "../src/config/model-folder.ts";
import type { Decisions } from "./decisions.ts";
import type { JournalEntry, Rewrite } from "./journal-entry.ts";
import type { FailedMove } from "./life-parts.ts";
import type { TakeBack } from "./take-backs.ts";

export interface MoveRequest {
  /** What its folder is to hold, where it does not yet. */
  readonly folder?: ModelFolder;
  /** What the journal is to say, written before traffic moves. */
  readonly decisions?: readonly JournalEntry[];
  readonly renew?: ReadonlySet<string>;
  /** Done before traffic moves. */
  readonly commit?: () => Promise<void>;
  /** Of the model.yaml by this change, oldest first. */
  readonly rewrites?: readonly Rewrite[];
  /** Of the rollout, where it is recorded already. */
  readonly records?: readonly string[];
  /** Versions that cannot be loaded are left out, as at a start, where nothing serves or always. */
  readonly leavesOut?: "unserved" | "always";
  /** A version that is to go, whatever serves in its place. */
  readonly gone?: string;
  /** The version without which all is in vain. */
  readonly about?: string;
}

/** What one move has done so far. */
export interface Attempt {
  readonly written: TakeBack;
  readonly decisions: Decisions;
  readonly failures: FailedMove[];
}

export interface Condemned {
  readonly version: string;
  readonly reason: string;
}
