import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TickCork } from "../../src/front-door/tick-cork.ts";

describe("What is written in one tick", () => {
  it("leaves together when the tick ends, and what comes later leaves later", async () => {
    const events: string[] = [];
    const cork = new TickCork({
      cork: () => events.push("cork"),
      uncork: () => events.push("uncork"),
    });
    for (const frame of ["1", "2"]) {
      cork.hold();
      events.push(frame);
    }
    assert.deepEqual(events, ["cork", "1", "2"]);
    await new Promise((resolve) => setImmediate(resolve));
    cork.hold();
    events.push("3");
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(events, ["cork", "1", "2", "uncork", "cork", "3", "uncork"]);
  });
});
