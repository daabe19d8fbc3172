/*
 * The life of a rollout: new hosts beside the old ones, until traffic has moved and stayed. A pure table.
 *
 * | phase             | event             | becomes     | effects                                  |
 * | ----------------- | ----------------- | ----------- | ---------------------------------------- |
 * | starting          | ready             | committing  | commit                                   |
 * | starting          | exited            | starting    | (the host's first: a trial may end it)   |
 * | starting          | exited, same host | rolled-back | drain-new                                |
 * | starting, committing | refused, given-up, cancelled | rolled-back | drain-new              |
 * | committing        | exited            | rolled-back | drain-new                                |
 * | committing        | committed         | baking      | switch, watch for a while                |
 * | committing        | committed, nothing to go back to, or no bake | done | switch, drain-old    |
 * | baking            | exited, given-up, breaker-opened | rolled-back | switch-back, drain-new     |
 * | baking            | the same, nothing to go back to any more | done | drain-old                 |
 * | baking            | baked, superseded | done        | drain-old                                |
 *
 * Every other pair leaves the rollout as it is.
 */

export type Rollout =
  /** With the replicas whose first process ended. */
  | { readonly name: "starting"; readonly exited: readonly string[] }
  | { readonly name: "committing" }
  | { readonly name: "baking" }
  | { readonly name: "done" }
  | { readonly name: "rolled-back"; readonly reason: string };

export type RolloutEvent =
  /** Every new host is ready: it has passed its warm-up and its golden samples. */
  | { readonly type: "ready" }
  /** What must be written before traffic moves is written. */
  | { readonly type: "committed" }
  /** `replica` is one among all of the rollout's. */
  | { readonly type: "exited"; readonly replica: string; readonly reason: string }
  | { readonly type: "given-up"; readonly reason: string }
  | { readonly type: "breaker-opened"; readonly reason: string }
  | { readonly type: "cancelled"; readonly reason: string }
  | { readonly type: "baked" }
  /** The next change has moved traffic, or something else is wanted. */
  | { readonly type: "superseded" };

export type RolloutEffect =
  | "commit"
  | "switch"
  | "switch-back"
  | "bake"
  | "drain-old"
  | "drain-new";

export interface RolloutStep {
  readonly rollout: Rollout;
  readonly effects: readonly RolloutEffect[];
}

export interface RolloutTerms {
  /** Whether there is something to go back to, now. */
  readonly hasOld: boolean;
  readonly bakeMs: number;
}

export const newRollout: Rollout = { name: "starting", exited: [] };

/** What is said of a version that was rolled back. */
export function rollbackWords(reason: string): string {
  return `rolled back: ${reason}`;
}

export function advance(rollout: Rollout, event: RolloutEvent, terms: RolloutTerms): RolloutStep {
  switch (rollout.name) {
    case "starting":
      return start(rollout, event);
    case "committing":
      return commit(rollout, event, terms);
    case "baking":
      return bake(rollout, event, terms);
    case "done":
    case "rolled-back":
      return stay(rollout);
  }
}

function stay(rollout: Rollout): RolloutStep {
  return { rollout, effects: [] };
}

function rollBack(reason: string, ...effects: RolloutEffect[]): RolloutStep {
  return { rollout: { name: "rolled-back", reason }, effects: [...effects, "drain-new"] };
}

function start(
  rollout: Extract<Rollout, { readonly name: "starting" }>,
  event: RolloutEvent,
): RolloutStep {
  switch (event.type) {
    case "ready":
      return { rollout: { name: "committing" }, effects: ["commit"] };
    case "exited":
      if (rollout.exited.includes(event.replica)) return rollBack(event.reason);
      return stay({ ...rollout, exited: [...rollout.exited, event.replica] });
    case "given-up":
    case "cancelled":
      return rollBack(event.reason);
    default:
      return stay(rollout);
  }
}

function commit(rollout: Rollout, event: RolloutEvent, terms: RolloutTerms): RolloutStep {
  switch (event.type) {
    case "committed":
      return terms.hasOld && terms.bakeMs > 0
        ? { rollout: { name: "baking" }, effects: ["switch", "bake"] }
        : { rollout: { name: "done" }, effects: ["switch", "drain-old"] };
    case "exited":
    case "given-up":
    case "cancelled":
      return rollBack(event.reason);
    default:
      return stay(rollout);
  }
}

function bake(rollout: Rollout, event: RolloutEvent, { hasOld }: RolloutTerms): RolloutStep {
  switch (event.type) {
    case "exited":
    case "given-up":
    case "breaker-opened":
      return hasOld ? rollBack(event.reason, "switch-back") : last();
    case "baked":
    case "superseded":
      return last();
    default:
      return stay(rollout);
  }
}

function last(): RolloutStep {
  return { rollout: { name: "done" }, effects: ["drain-old"] };
}
