import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { closedSchedule, openSchedule } from "../../../bench/driver/schedule.ts";

describe("closedSchedule", () => {
  it("has a request due at any time before its end, and none after", () => {
    const takeDue = closedSchedule(100);
    assert.deepEqual([5, 5, 99.9, 100].map(takeDue), [5, 5, 99.9, undefined]);
  });
});

describe("openSchedule", () => {
  it("has a request due at each step of its rate", () => {
    const takeDue = openSchedule(50, 1000, 100);
    const due = [49, 50, 50, 59, 60].map(takeDue);
    assert.deepEqual(due, [undefined, 50, undefined, undefined, 60]);
  });

  it("keeps the intended time of what could not be sent", () => {
    const takeDue = openSchedule(0, 1000, 100);
    const due = [35, 35, 35, 35, 35].map(takeDue);
    assert.deepEqual(due, [0, 10, 20, 30, undefined]);
  });

  it("still has due, after its end, what was due before it", () => {
    const takeDue = openSchedule(0, 20, 100);
    assert.deepEqual([500, 500, 500].map(takeDue), [0, 10, undefined]);
  });
});
