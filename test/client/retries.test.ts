import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClientErrorCode } from "../../src/client/client-error.ts";
import { type Attempt, judgeRetry, RetryBudget } from "../../src/client/retries.ts";

const first: Attempt = { retries: 0, repeatable: "anything", remainingMs: 10_000 };

function error(code: ClientErrorCode, retryAfterMs?: number) {
  return { code, retryAfterMs };
}

function verdictOn(failure: ReturnType<typeof error>, attempt: Partial<Attempt> = {}): string {
  return judgeRetry(failure, { ...first, ...attempt }, () => 0).type;
}

describe("judgeRetry", () => {
  for (const [code, retryAfterMs, expected] of [
    ["overloaded", 20, "retry"],
    ["model-unavailable", 20, "retry"],
    ["host-crashed", 20, "retry"],
    ["draining", 20, "retry"],
    ["unreachable", undefined, "retry"],
    ["model-unavailable", undefined, "give-up"],
    ["invalid-request", undefined, "give-up"],
    ["poison-request", undefined, "give-up"],
    ["deadline-exceeded", undefined, "give-up"],
    ["sequence-lost", 20, "give-up"],
    ["cancelled", undefined, "give-up"],
  ] as const) {
    it(`says ${expected} to ${code}${retryAfterMs === undefined ? " that names no time" : ""}`, () => {
      assert.equal(verdictOn(error(code, retryAfterMs)), expected);
    });
  }

  it("repeats a change only where it was refused before it began", () => {
    const change = { repeatable: "refusals" } as const;
    assert.equal(verdictOn(error("conflict", 50), change), "retry");
    assert.equal(verdictOn(error("conflict"), change), "give-up");
    assert.equal(verdictOn(error("overloaded", 50), change), "retry");
    assert.equal(verdictOn(error("unreachable"), change), "give-up");
    assert.equal(verdictOn(error("host-crashed", 50), change), "give-up");
  });

  it("repeats nothing where nothing may be repeated", () => {
    assert.equal(verdictOn(error("overloaded", 50), { repeatable: "nothing" }), "give-up");
  });

  it("waits at least as long as the server asks, and longer each time", () => {
    const waits = [0, 1, 2].map((retries) =>
      judgeRetry(error("overloaded", 300), { ...first, retries }, () => 0),
    );
    assert.deepEqual(waits, [
      { type: "retry", delayMs: 350 },
      { type: "retry", delayMs: 400 },
      { type: "retry", delayMs: 500 },
    ]);
  });

  it("gives up where the wait would pass the deadline, and after four retries", () => {
    assert.equal(verdictOn(error("overloaded", 300), { remainingMs: 340 }), "give-up");
    assert.equal(verdictOn(error("overloaded", 300), { retries: 4 }), "give-up");
  });
});

describe("a budget of retries", () => {
  it("is ten at once, and then one for ten calls that succeed", () => {
    const budget = new RetryBudget();
    const spent = Array.from({ length: 12 }, () => budget.spend());
    assert.equal(spent.filter(Boolean).length, 10);
    for (let call = 0; call < 11; call += 1) budget.earn();
    assert.deepEqual([budget.spend(), budget.spend()], [true, false]);
  });
});
