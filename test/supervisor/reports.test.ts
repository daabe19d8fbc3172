import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Reports, reportMsFor } from "../../supervisor/reports.ts";
import { FakeClock } from "../fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const reports = new Reports(clock);
  const asked: (readonly [object, number])[] = [];
  const gathered: string[] = [];
  const gather = (name: string, ...children: readonly object[]) => {
    const asking = (child: object, reportId: number) => asked.push([child, reportId]);
    void reports.gather(children, asking).then(() => gathered.push(name));
  };
  return { clock, reports, asked, gathered, gather };
}

describe("reportMsFor", () => {
  it("asks often where processes are few, and ten of them a second where they are many", () => {
    assert.deepEqual([2, 20, 100].map(reportMsFor), [2_000, 2_000, 10_000]);
  });
});

describe("Reports", () => {
  const [one, two] = [{}, {}];

  it("is done when all have answered", async () => {
    const { clock, reports, asked, gathered, gather } = setUp();
    gather("first", one, two);
    assert.deepEqual(asked, [
      [one, 1],
      [two, 1],
    ]);
    reports.note(one, 1);
    await turn();
    const before = [...gathered];
    reports.note(two, 1);
    await turn();
    assert.deepEqual([before, gathered, clock.armed], [[], ["first"], 0]);
  });

  it("is done at once where there is nobody to ask", async () => {
    const { gathered, gather } = setUp();
    gather("first");
    await turn();
    assert.deepEqual(gathered, ["first"]);
  });

  it("waits half a second for those that do not answer", async () => {
    const { clock, reports, gathered, gather } = setUp();
    gather("first", one, two);
    reports.note(one, 1);
    clock.advance(499);
    await turn();
    const before = [...gathered];
    clock.advance(1);
    await turn();
    assert.deepEqual([before, gathered], [[], ["first"]]);
  });

  it("counts each child once, and nobody else", async () => {
    const { reports, gathered, gather } = setUp();
    gather("first", one, two);
    reports.note(one, 1);
    reports.note(one, 1);
    reports.note({}, 1);
    await turn();
    assert.deepEqual(gathered, []);
  });

  it("lets those who ask meanwhile share the round", async () => {
    const { reports, asked, gathered, gather } = setUp();
    gather("first", one);
    gather("second", one, two);
    reports.note(one, 1);
    await turn();
    assert.deepEqual([asked.length, gathered], [1, ["first", "second"]]);
  });

  it("does not take an answer for the round before as one for this", async () => {
    const { clock, reports, asked, gathered, gather } = setUp();
    gather("first", one);
    clock.advance(500);
    await turn();
    gather("second", one);
    reports.note(one, 1);
    await turn();
    const before = [...gathered];
    reports.note(one, 2);
    await turn();
    assert.deepEqual([asked.at(-1), before, gathered], [[one, 2], ["first"], ["first", "second"]]);
  });
});
