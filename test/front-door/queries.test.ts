import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Queries } from "../../src/front-door/queries.ts";
import type { DoorEvent } from "../../src/protocol/control.ts";
import type { Reply } from "../../src/protocol/questions.ts";
import { FakeClock } from "../fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const told: DoorEvent[] = [];
  const queries = new Queries(clock, (event) => told.push(event));
  return { clock, told, queries };
}

function body(text: string): Reply {
  return { type: "body", body: text };
}

describe("Queries", () => {
  it("asks the supervisor", () => {
    const { queries, told } = setUp();
    void queries.ask({ type: "tree" });
    assert.deepEqual(told, [{ type: "query", queryId: 1, question: { type: "tree" } }]);
  });

  it("gives each its own answer, in whatever order they come", async () => {
    const { queries } = setUp();
    const answers = [queries.ask({ type: "tree" }), queries.ask({ type: "metrics" })];
    queries.settle(2, body("metrics"));
    queries.settle(1, body("tree"));
    assert.deepEqual(await Promise.all(answers), ["tree", "metrics"]);
  });

  it("fails when the supervisor has said nothing for five seconds", async () => {
    const { queries, clock } = setUp();
    const answer = queries.ask({ type: "tree" });
    clock.advance(5_000);
    await assert.rejects(answer, { code: "model-unavailable", retryAfterMs: 1_000 });
  });

  it("waits as long as it is told to", async () => {
    const { queries, clock } = setUp();
    const answer = queries.ask({ type: "tree" }, { patienceMs: 600_000 });
    clock.advance(599_999);
    queries.settle(1, body("late"));
    assert.equal(await answer, "late");
  });

  it("fails as the supervisor says", async () => {
    const { queries, clock } = setUp();
    const answer = queries.ask({ type: "model", model: "m" });
    const failure = { code: "conflict", message: "busy", retryAfterMs: 7 } as const;
    queries.settle(1, { type: "failed", failure });
    await assert.rejects(answer, failure);
    assert.equal(clock.armed, 0);
  });

  it("waits for no answer that it has", async () => {
    const { queries, clock } = setUp();
    const answer = queries.ask({ type: "tree" });
    queries.settle(1, body("x"));
    await answer;
    assert.equal(clock.armed, 0);
  });

  it("gives what comes too late to whoever asked, once", async () => {
    const { queries, clock } = setUp();
    const late: string[] = [];
    const asking = () =>
      queries.ask({ type: "open-upload", requestId: "r" }, { onLate: (came) => late.push(came) });
    const answers = [asking(), asking(), asking()];
    queries.settle(1, body("in time"));
    clock.advance(5_000);
    const settled = await Promise.allSettled(answers);
    for (const queryId of [1, 2, 2]) queries.settle(queryId, body(`late ${queryId}`));
    queries.settle(3, { type: "failed", failure: { code: "overloaded", message: "no room" } });
    assert.deepEqual(
      settled.map(({ status }) => status),
      ["fulfilled", "rejected", "rejected"],
    );
    assert.deepEqual(late, ["late 2"]);
  });

  it("does not mind answers that are late, double or unknown", async () => {
    const { queries, clock } = setUp();
    const late = queries.ask({ type: "tree" });
    clock.advance(5_000);
    await assert.rejects(late);
    const answer = queries.ask({ type: "tree" });
    for (const queryId of [1, 2, 2, 77]) queries.settle(queryId, body(`${queryId}`));
    assert.equal(await answer, "2");
  });
});
