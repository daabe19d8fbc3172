import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSchedstat, readCpuSeconds, readRssMb } from "../../bench/process-figures.ts";

const skip = process.platform === "linux" ? false : "there is no /proc";

describe("parseSchedstat", () => {
  it("gives the seconds on a core, which come first", () => {
    assert.equal(parseSchedstat("1500000000 2500 17\n"), 1.5);
  });
});

describe("this process", { skip }, () => {
  it("has taken CPU time, as the system counts it", () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const counted = (userCPUTime + systemCPUTime) / 1e6;
    const read = readCpuSeconds([process.pid]);
    assert.ok(Math.abs(read - counted) < 0.5, `${read} and ${counted}`);
  });

  it("holds memory, as Node tells", () => {
    const told = process.memoryUsage.rss() / 1024 ** 2;
    const read = readRssMb([process.pid]);
    assert.ok(Math.abs(read - told) < 20, `${read} and ${told}`);
  });
});
