import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lineTeller, type ToldLine } from "../../model-host/told-lines.ts";
import { FakeClock } from "../fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const told: ToldLine[] = [];
  const write = lineTeller(clock, (line) => told.push(line));
  const line = (fields: object) => write(JSON.stringify({ level: "info", time: "t", ...fields }));
  return { clock, told, line };
}

describe("lineTeller", () => {
  it("tells level, words and fields of a line", () => {
    const { told, line } = setUp();
    line({ level: "warn", pid: 1, role: "host", model: "m", breaker: "open", msg: "changed" });
    assert.deepEqual(told, [{ level: "warn", message: 'changed breaker="open"' }]);
  });

  it("leaves levels out that are for its makers", () => {
    const { told, line } = setUp();
    line({ level: "debug", msg: "x" });
    assert.deepEqual(told, []);
  });

  it("tells twenty a second, and goes on in the next", () => {
    const { told, line, clock } = setUp();
    for (let at = 0; at < 30; at += 1) line({ msg: "x" });
    assert.equal(told.length, 20);
    clock.advance(1_000);
    line({ msg: "x" });
    assert.equal(told.length, 21);
  });

  it("cuts what is long", () => {
    const { told, line } = setUp();
    line({ msg: "x".repeat(1_000) });
    assert.equal(told[0]?.message.length, 500);
  });
});
