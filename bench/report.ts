import type { Spread } from "./statistics.ts";
import type { Side, Summary, Target, TargetResult } from "./summary.ts";

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
  readonly targets: readonly TargetResult[];
  readonly summaries: readonly Summary[];
}

const unknown = "–";

/** `NaN` is what was not measured. */
function number(value: number, digits: number): string {
  return Number.isNaN(value) ? unknown : value.toFixed(digits);
}

function spread({ median, min, max }: Spread, digits: number): string {
  if (Number.isNaN(median)) return unknown;
  return `${number(median, digits)} (${number(min, digits)}–${number(max, digits)})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const measureNames = { requestsPerSecond: "requests/s", p50Ms: "p50" };
const boundSigns = { "at-least": "≥", "at-most": "≤" };

const sideParts = ["work", "contestant"] as const;

/** What both sides have in common is said once, and then what is divided by what. */
function ratioCells({ of, to, measure }: Target): readonly [string, string] {
  const isCommon = (part: keyof Side) => of[part] === to[part];
  const own = (side: Side) => {
    const parts = sideParts.filter((part) => !isCommon(part));
    return parts.map((part) => side[part]).join(" ");
  };
  const common = sideParts.filter(isCommon).map((part) => of[part]);
  return [common.join(" "), `${own(of)} / ${own(to)}, ${measureNames[measure]}`];
}

function targetRow({ target, measured, met }: TargetResult): readonly string[] {
  return [
    ...ratioCells(target),
    spread(measured, 2),
    `${boundSigns[target.bound]} ${target.ratio}`,
    met ? "met" : "missed",
  ];
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

function method(report: Report): string {
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

export function markdown(report: Report): string {
  const { targets, summaries } = report;
  const speedHead = ["work", "contestant", "requests/s", "p50 ms", "p90 ms", "p99 ms", "max ms"];
  const costHead = ["CPU s / 1000 requests", "driver's CPU s / 1000", "mean send delay ms"];
  return [
    `# Troupe, measured on ${report.date}`,
    method(report),
    "## Ratios",
    targets.length === 0
      ? "None: of no ratio were both sides measured."
      : table(["of", "ratio", "measured", "target", "result"], targets.map(targetRow)),
    "## Speed",
    table([...speedHead, "not 200"], summaries.map(speedRow)),
    "## Cost",
    table(["work", "contestant", ...costHead], summaries.map(costRow)),
  ].join("\n\n");
}
