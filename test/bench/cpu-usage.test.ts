import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseBusyTicks, parseStat, treeOf } from "../../bench/cpu-usage.ts";

describe("parseStat", () => {
  it("counts fields from the end of a name with blanks and brackets", () => {
    const line = "42 (a (b) c) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 3 1 20 0 11 0 500\n";
    assert.deepEqual(parseStat(line), { pid: 42, parentPid: 7, cpuTicks: 124 });
  });
});

describe("treeOf", () => {
  const stat = (pid: number, parentPid: number) => ({ pid, parentPid, cpuTicks: 1 });
  const stats = [stat(1, 0), stat(10, 1), stat(11, 10), stat(12, 11), stat(20, 1)];

  it("holds a process and all that descend from it", () => {
    const pids = treeOf(stats, 10).map(({ pid }) => pid);
    assert.deepEqual(pids, [10, 11, 12]);
  });

  it("is empty for a process that has ended", () => {
    assert.deepEqual(treeOf(stats, 99), []);
  });
});

describe("parseBusyTicks", () => {
  it("leaves out idle time, waiting, and guests, whom user time holds already", () => {
    const text = "cpu  100 10 50 9000 300 5 6 7 40 2\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
    assert.equal(parseBusyTicks(text), 178);
  });
});
