import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRollup, readTreeMemory } from "../../bench/tree-memory.ts";

const rollup = `5581b0000000-7ffc00000000 ---p 00000000 00:00 0    [rollup]
Rss:               81234 kB
Pss:               40000 kB
Pss_Anon:          39000 kB
SwapPss:               0 kB
`;

describe("parseRollup", () => {
  it("reads each figure by its whole name", () => {
    assert.equal(parseRollup(rollup, "Rss"), 81_234);
    assert.equal(parseRollup(rollup, "Pss"), 40_000);
  });

  it("counts what is not there as nothing", () => {
    assert.equal(parseRollup("", "Pss"), 0);
  });
});

describe("readTreeMemory", () => {
  it("knows at least this process", { skip: process.platform !== "linux" }, () => {
    const { processes, rssMb, pssMb } = readTreeMemory(process.pid);
    assert.ok(processes >= 1);
    assert.ok(rssMb > 10 && pssMb > 0 && pssMb <= rssMb);
  });
});
