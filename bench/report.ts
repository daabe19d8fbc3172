import { type Finding, isMet, isPromised, type Promised } from "./finding.ts";
import type { Spread } from "./statistics.ts";
import type { Summary } from "./summary.ts";

/** Facts about the machine that a reader needs to compare; nothing that names it. */
export interface MachineFacts {
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
}

export interface Report {
  readonly date: string;
  readonly machine: MachineFacts;
  readonly rounds: number;
  readonly seconds: number;
  readonly logLevel: string;
  /** Whether cores were assigned, or all was left to the scheduler. */
  readonly placed: boolean;
  readonly mostCoresOfOthers: number;
  /** All figures that are promised, or that explain those. */
  readonly findings: readonly Finding[];
  readonly summaries: readonly Summary[];
}

const unknown = "–";

/** `NaN` is what was not measured. */
function number(value: number, digits: number): string {
  return Number.isNaN(value) ? unknown : value.toFixed(digits);
}

function spread({ median, min, max }: Spread, digits: number): string {
  if (Number.isNaN(median)) return unknown;
  if (min === max) return number(median, digits);
  return `${number(median, digits)} (${number(min, digits)}–${number(max, digits)})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const boundSigns = { "at-least": "≥", "at-most": "≤" };

/** Small numbers keep what tells them apart. */
function digitsOf(value: number): number {
  if (Math.abs(value) >= 100) return 0;
  return Math.abs(value) >= 10 ? 1 : 2;
}

export function valueText({ measured, unit }: Finding): string {
  const { median, min, max } = measured;
  if (Number.isNaN(median)) return unknown;
  const digits = digitsOf(median);
  return min === max
    ? `${number(median, digits)} ${unit}`
    : `${number(median, digits)} ${unit} (${number(min, digits)}–${number(max, digits)})`;
}

export function boundText({ bound, unit }: Promised): string {
  return `${boundSigns[bound.type]} ${bound.limit} ${unit}`;
}

/** Ratios first. */
export function promisedOf(findings: readonly Finding[]): readonly Promised[] {
  const promised = findings.filter(isPromised);
  const isRatio = ({ unit }: Finding) => unit === "×";
  return [...promised.filter(isRatio), ...promised.filter((one) => !isRatio(one))];
}

function promisedRow(finding: Promised): readonly string[] {
  const { work, what } = finding;
  const result = isMet(finding) ? "met" : "missed";
  return [work, what, valueText(finding), boundText(finding), result];
}

/** What is promised, and whether it is kept. */
export function targetTable(findings: readonly Finding[]): string {
  const head = ["work", "what", "measured", "target", "result"];
  return table(head, promisedOf(findings).map(promisedRow));
}

function speedRow(summary: Summary): readonly string[] {
  return [
    summary.work,
    summary.contestant,
    spread(summary.requestsPerSecond, 0),
    spread(summary.p50Ms, 3),
    number(summary.p90Ms.median, 3),
    spread(summary.p99Ms, 3),
    number(summary.maxMs.median, 1),
    String(summary.failures),
  ];
}

function costRow(summary: Summary): readonly string[] {
  return [
    summary.work,
    summary.contestant,
    spread(summary.cpuPer1000, 3),
    spread(summary.driverCpuPer1000, 3),
    number(summary.meanSendDelayMs.median, 3),
  ];
}

export function method(report: Report): string {
  const { machine, rounds, seconds, placed } = report;
  const sentences = [
    `Medians of ${rounds} alternating rounds of ${seconds} s, least and most in brackets; ratios are taken within each round.`,
    `${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.platform}, Node ${machine.node}; driver and contestants share the machine.`,
    placed
      ? "The driver keeps to the last core; contestants may use all, but at one connection the process that listens keeps off the driver's."
      : "Where processes run was left to the scheduler.",
    `Troupe logs at \`${report.logLevel}\`.`,
    `Other processes took at most ${number(report.mostCoresOfOthers, 2)} cores in a window.`,
  ];
  return sentences.join(" ");
}

function speedAndCost(summaries: readonly Summary[]): readonly string[] {
  if (summaries.length === 0) return [];
  const speedHead = ["work", "contestant", "requests/s", "p50 ms", "p90 ms", "p99 ms", "max ms"];
  const costHead = ["CPU s / 1000 requests", "driver's CPU s / 1000", "mean send delay ms"];
  return [
    "## Speed",
    table([...speedHead, "not 200"], summaries.map(speedRow)),
    "## Cost",
    table(["work", "contestant", ...costHead], summaries.map(costRow)),
  ];
}

function others(findings: readonly Finding[]): readonly string[] {
  const rest = findings.filter((finding) => !isPromised(finding));
  if (rest.length === 0) return [];
  const rows = rest.map((finding) => [finding.work, finding.what, valueText(finding)]);
  return ["## Other figures", table(["work", "what", "measured"], rows)];
}

export function markdown(report: Report): string {
  const { findings, summaries } = report;
  return [
    `# Troupe, measured on ${report.date}`,
    method(report),
    "## Targets",
    promisedOf(findings).length === 0
      ? "None: of no target was all measured that it needs."
      : targetTable(findings),
    ...speedAndCost(summaries),
    ...others(findings),
  ].join("\n\n");
}
