import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { markdown, type Report } from "../../bench/report.ts";
import { targets } from "../../bench/summary.ts";

const exactly = (value: number) => ({ median: value, min: value, max: value });

const report: Report = {
  date: "2001-02-03",
  machine: { cores: 2, memoryGiB: 8, platform: "linux x64", node: "20.19.0" },
  rounds: 5,
  seconds: 3,
  logLevel: "warn",
  placed: true,
  mostCoresOfOthers: 0,
  targets: targets.map((target) => ({
    target,
    measured: { median: 1.204, min: 1.1, max: 1.3 },
    met: true,
  })),
  summaries: [
    {
      work: "tiny-64",
      contestant: "echo",
      requestsPerSecond: { median: 1000.4, min: 900, max: 1100 },
      p50Ms: exactly(1),
      p90Ms: exactly(2),
      p99Ms: exactly(3),
      maxMs: exactly(4),
      cpuPer1000: exactly(Number.NaN),
      driverCpuPer1000: exactly(0.01),
      meanSendDelayMs: exactly(0),
      failures: 0,
    },
  ],
};

describe("markdown", () => {
  const lines = markdown(report).split("\n");

  it("puts the ratios, with target and result, before the figures", () => {
    const ratio = lines.indexOf(
      "| tiny-64 | troupe / echo, requests/s | 1.20 (1.10–1.30) | ≥ 0.9 | met |",
    );
    const figures = lines.indexOf("## Speed");
    assert.ok(ratio > 0 && ratio < figures, lines.join("\n"));
  });

  it("names two works of one contestant as it names two contestants of one work", () => {
    const row = "| troupe | smoother-200 / smoother-1, requests/s | 1.20 (1.10–1.30) | ≥ 5 | met |";
    assert.ok(lines.includes(row), lines.join("\n"));
  });

  it("names the other measure and the other bound", () => {
    const row = "| tiny-1 | troupe / single, p50 | 1.20 (1.10–1.30) | ≤ 2 | met |";
    assert.ok(lines.includes(row), lines.join("\n"));
  });

  it("says so where there is no ratio", () => {
    const text = markdown({ ...report, targets: [] });
    assert.match(text, /## Ratios\n\nNone: of no ratio were both sides measured\./);
  });

  it("gives medians with the least and the most", () => {
    assert.ok(lines.some((line) => line.startsWith("| tiny-64 | echo | 1000 (900–1100) |")));
  });

  it("shows a dash for what the machine does not tell", () => {
    assert.ok(lines.some((line) => line.startsWith("| tiny-64 | echo | – |")));
  });
});
