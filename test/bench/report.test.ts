import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { atLeast, atMost, type Finding } from "../../bench/finding.ts";
import { markdown, promisedOf, type Report, valueText } from "../../bench/report.ts";

const exactly = (value: number) => ({ median: value, min: value, max: value });

const spread = { median: 1.204, min: 1.1, max: 1.3 };

const findings: readonly Finding[] = [
  { work: "start", what: "cold start", unit: "ms", measured: exactly(1001), bound: atMost(1000) },
  {
    work: "tiny-64",
    what: "troupe / echo",
    unit: "×",
    measured: spread,
    bound: atLeast(0.9),
  },
  { work: "start", what: "answered", unit: "ms", measured: exactly(20.04) },
];

const report: Report = {
  date: "2001-02-03",
  machine: { cores: 2, memoryGiB: 8, platform: "linux x64", node: "20.19.0" },
  rounds: 5,
  seconds: 3,
  logLevel: "warn",
  placed: true,
  mostCoresOfOthers: 0,
  findings,
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

  it("puts what is promised, ratios first, before the figures", () => {
    const ratio = lines.indexOf("| tiny-64 | troupe / echo | 1.20 × (1.10–1.30) | ≥ 0.9 × | met |");
    const start = lines.indexOf("| start | cold start | 1001 ms | ≤ 1000 ms | missed |");
    const figures = lines.indexOf("## Speed");
    assert.ok(ratio > 0 && ratio < start && start < figures, lines.join("\n"));
  });

  it("lists what is not promised in the end", () => {
    assert.ok(lines.indexOf("| start | answered | 20.0 ms |") > lines.indexOf("## Cost"));
  });

  it("says so where nothing is promised", () => {
    const text = markdown({ ...report, findings: [] });
    assert.match(text, /## Targets\n\nNone: of no target was all measured that it needs\./);
  });

  it("leaves out the tables that would be empty", () => {
    assert.doesNotMatch(markdown({ ...report, findings: [], summaries: [] }), /## (Speed|Other)/);
  });

  it("gives medians with the least and the most", () => {
    assert.ok(lines.some((line) => line.startsWith("| tiny-64 | echo | 1000 (900–1100) |")));
  });

  it("shows a dash for what the machine does not tell", () => {
    assert.ok(lines.some((line) => line.startsWith("| tiny-64 | echo | – |")));
  });
});

describe("promisedOf", () => {
  it("leaves out what is not promised, and puts ratios first", () => {
    const named = promisedOf(findings).map(({ what }) => what);
    assert.deepEqual(named, ["troupe / echo", "cold start"]);
  });
});

describe("valueText", () => {
  it("is a dash for what was not measured", () => {
    const finding = { work: "w", what: "x", unit: "ms", measured: exactly(Number.NaN) };
    assert.equal(valueText(finding), "–");
  });
});
