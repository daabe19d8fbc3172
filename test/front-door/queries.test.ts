import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Queries } from "../../src/front-door/queries.ts";
import type { DoorEvent } from "../../src/protocol/control.ts";
import { FakeClock } from "../fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const told: DoorEvent[] = [];
  const queries = new Queries(clock, (event) => told.push(event));
  return { clock, told, queries };
}

describe("Queries", () => {
  it("asks the supervisor", () => {
    const { queries, told } = setUp();
    void queries.ask("tree");
    assert.deepEqual(told, [{ type: "query", queryId: 1, what: "tree" }]);
  });

  it("gives each its own answer, in whatever order they come", async () => {
    const { queries } = setUp();
    const answers = [queries.ask("tree"), queries.ask("metrics")];
    queries.settle(2, "metrics");
    queries.settle(1, "tree");
    assert.deepEqual(await Promise.all(answers), ["tree", "metrics"]);
  });

  it("fails when the supervisor has said nothing for five seconds", async () => {
    const { queries, clock } = setUp();
    const answer = queries.ask("tree");
    clock.advance(5_000);
    await assert.rejects(answer, { code: "model-unavailable", retryAfterMs: 1_000 });
  });

  it("waits for no answer that it has", async () => {
    const { queries, clock } = setUp();
    const answer = queries.ask("tree");
    queries.settle(1, "x");
    await answer;
    assert.equal(clock.armed, 0);
  });

  it("does not mind answers that are late, double or unknown", async () => {
    const { queries, clock } = setUp();
    const late = queries.ask("tree");
    clock.advance(5_000);
    await assert.rejects(late);
    const answer = queries.ask("tree");
    for (const queryId of [1, 2, 2, 77]) queries.settle(queryId, `${queryId}`);
    assert.equal(await answer, "2");
  });
});
