import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Queries } from "../../src/front-door/queries.ts";
import { FakeClock } from "../fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const told: unknown[] = [];
  return { clock, told, queries: new Queries(clock, (event) => told.push(event)) };
}

describe("Queries", () => {
  it("ask the supervisor, and give each its own answer", async () => {
    const { clock, told, queries } = setUp();
    const answers = [queries.ask("tree"), queries.ask("metrics")];
    queries.settle(2, "the metrics");
    queries.settle(1, "the tree");
    assert.deepEqual(await Promise.all(answers), ["the tree", "the metrics"]);
    assert.deepEqual(told, [
      { type: "query", queryId: 1, what: "tree" },
      { type: "query", queryId: 2, what: "metrics" },
    ]);
    assert.equal(clock.armed, 0);
  });

  it("give up on a supervisor that does not answer, and say when to ask again", async () => {
    const { clock, queries } = setUp();
    const answer = queries.ask("tree");
    answer.catch(() => undefined);
    clock.advance(4_999);
    await turn();
    assert.equal(clock.armed, 1);
    clock.advance(1);
    await assert.rejects(answer, {
      code: "model-unavailable",
      message: "Cannot answer: the supervisor did not",
      retryAfterMs: 1_000,
    });
  });

  it("do not mind an answer that comes late, or twice, or to nobody", async () => {
    const { clock, queries } = setUp();
    const late = queries.ask("tree");
    late.catch(() => undefined);
    clock.advance(5_000);
    queries.settle(1, "late");
    queries.settle(77, "nobody");
    const answer = queries.ask("tree");
    queries.settle(2, "first");
    queries.settle(2, "second");
    assert.equal(await answer, "first");
    await assert.rejects(late);
  });
});
