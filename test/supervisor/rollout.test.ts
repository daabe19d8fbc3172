import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  advance,
  type Rollout,
  type RolloutEvent,
  type RolloutTerms,
} from "../../supervisor/rollout.ts";

const starting: Rollout = { name: "starting", exited: [] };
const again: Rollout = { name: "starting", exited: ["2/0"] };
const committing: Rollout = { name: "committing" };
const baking: Rollout = { name: "baking" };
const done: Rollout = { name: "done" };
const rolledBack: Rollout = { name: "rolled-back", reason: "r" };
const all = [starting, committing, baking, done, rolledBack];

const events: readonly RolloutEvent[] = [
  { type: "ready" },
  { type: "committed" },
  { type: "exited", replica: "2/0", reason: "r" },
  { type: "given-up", reason: "r" },
  { type: "breaker-opened", reason: "r" },
  { type: "cancelled", reason: "r" },
  { type: "baked" },
  { type: "superseded" },
];
const terms: RolloutTerms = { hasOld: true, bakeMs: 1_000 };

type Row = readonly [Rollout, RolloutEvent["type"], Rollout, readonly string[]];

const rows: readonly Row[] = [
  [starting, "ready", committing, ["commit"]],
  [again, "ready", committing, ["commit"]],
  [starting, "exited", again, []],
  [again, "exited", rolledBack, ["drain-new"]],
  [starting, "given-up", rolledBack, ["drain-new"]],
  [starting, "cancelled", rolledBack, ["drain-new"]],
  [committing, "exited", rolledBack, ["drain-new"]],
  [committing, "given-up", rolledBack, ["drain-new"]],
  [committing, "cancelled", rolledBack, ["drain-new"]],
  [committing, "committed", baking, ["switch", "bake"]],
  [baking, "exited", rolledBack, ["switch-back", "drain-new"]],
  [baking, "given-up", rolledBack, ["switch-back", "drain-new"]],
  [baking, "breaker-opened", rolledBack, ["switch-back", "drain-new"]],
  [baking, "baked", done, ["drain-old"]],
  [baking, "superseded", done, ["drain-old"]],
];

function eventOf(type: RolloutEvent["type"]): RolloutEvent {
  return events.find((event) => event.type === type) ?? assert.fail(type);
}

describe("the table of a rollout", () => {
  for (const [before, type, after, effects] of rows) {
    it(`makes of ${JSON.stringify(before)} and ${type} ${after.name}`, () => {
      assert.deepEqual(advance(before, eventOf(type), terms), { rollout: after, effects });
    });
  }

  for (const before of all) {
    const others = events.filter(
      ({ type }) => !rows.some(([from, event]) => from.name === before.name && event === type),
    );
    it(`leaves ${before.name} as it is at everything else`, () => {
      for (const event of others) {
        assert.deepEqual(advance(before, event, terms), { rollout: before, effects: [] });
      }
    });
  }

  it("counts the ends of each replica for itself", () => {
    const event: RolloutEvent = { type: "exited", replica: "2/1", reason: "r" };
    const rollout: Rollout = { name: "starting", exited: ["2/0", "2/1"] };
    assert.deepEqual(advance(again, event, terms), { rollout, effects: [] });
    assert.equal(advance(rollout, event, terms).rollout.name, "rolled-back");
  });

  it("does not go back where nothing is left to go back to", () => {
    const alone = { hasOld: false, bakeMs: 1_000 };
    for (const type of ["exited", "given-up", "breaker-opened"] as const) {
      const step: unknown = { rollout: done, effects: ["drain-old"] };
      assert.deepEqual(advance(baking, eventOf(type), alone), step);
    }
  });

  it("does not bake what has nothing to go back to, nor what is told not to", () => {
    const ended = { rollout: done, effects: ["switch", "drain-old"] };
    const event = eventOf("committed");
    assert.deepEqual(advance(committing, event, { hasOld: false, bakeMs: 1_000 }), ended);
    assert.deepEqual(advance(committing, event, { hasOld: true, bakeMs: 0 }), ended);
  });
});
