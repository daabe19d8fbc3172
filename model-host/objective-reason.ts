import type { Millis } from "../src/platform/clock.ts";
import type { CostFit } from "./cost-model.ts";
import { type Choice, isThroughputFirst } from "./objective.ts";

export interface ReasonFacts {
  readonly p99Ms: Millis;
  readonly fit: CostFit | undefined;
  readonly runMs: (rows: number) => Millis;
  readonly rowsPerMs: number;
  readonly room: number;
  readonly observedP99Ms: Millis | null;
  readonly remedy: Remedy;
}

/** What a p99 that was measured has led to; none yet where it is of one kind of choice and of another. */
export type Remedy = "shorter" | "none" | "none-yet";

/** So far from 1 the room is worth a word. */
const roomWorthTelling = 0.05;

const remedyTexts: Readonly<Record<Remedy, string>> = {
  shorter: "so shorter runs and waits are tried",
  none: "and smaller batches would hardly help, so they stay as they are",
  "none-yet": "and is measured again, as the choice has changed meanwhile",
};

/** Why a host batches as it does, in words for a person. */
export function reasonOf(choice: Choice, facts: ReasonFacts): string {
  return `${missedText(choice, facts)}${choiceText(choice, facts)}`;
}

function missedText(choice: Choice, { p99Ms, observedP99Ms, remedy }: ReasonFacts): string {
  const isMissed = observedP99Ms !== null && observedP99Ms > p99Ms;
  // What begins with "throughput first" says so already.
  if (!isMissed || isThroughputFirst(choice)) return "";
  const missed = `objective missed: p99 was ${short(observedP99Ms)} ms`;
  return choice.type === "within" ? `${missed}, ${remedyTexts[remedy]}; ` : `${missed}; `;
}

function choiceText(choice: Choice, facts: ReasonFacts): string {
  const { p99Ms } = facts;
  switch (choice.type) {
    case "unknown":
      return "batches as without an objective: what a run takes by its rows is not known yet";
    case "within":
      return `${batches(choice.rows)} are to keep p99 at ${short(p99Ms)} ms: ${costText(choice.rows, facts)}${waitText(choice.delayMs)}${aimText(facts)}`;
    case "slow": {
      const { requestRows, requestMs } = choice;
      return `throughput first: ${takeText(requestRows, "alone ")} ${short(requestMs)} ms, more than ${short(p99Ms)} ms`;
    }
    case "idle": {
      const { requestRows, requestMs } = choice;
      const took = `${rowsText(requestRows)} alone took ${short(requestMs)} ms, more than ${short(p99Ms)} ms`;
      return `batches as without an objective: nobody has asked for a minute; ${took}`;
    }
    case "uncut":
      return `batches of at most ${rowsText(choice.rows)}, as without an objective: large requests in pieces would make more of the others later than ${short(p99Ms)} ms, at ${costText(choice.rows, facts)}`;
    case "overloaded":
      return overloadText(choice.rowsWithin, facts);
  }
}

function overloadText(rows: number, { p99Ms, runMs, rowsPerMs }: ReasonFacts): string {
  const perSecond = Math.round((rows / runMs(rows)) * 1_000);
  return `throughput first: ${Math.round(rowsPerMs * 1_000)} rows a second come, and ${batches(rows)}, which would keep p99 at ${short(p99Ms)} ms, run ${perSecond}`;
}

function batches(rows: number): string {
  return `batches of at most ${rowsText(rows)}`;
}

function rowsText(rows: number): string {
  return rows === 1 ? "1 row" : `${rows} rows`;
}

function takeText(rows: number, how = ""): string {
  return `${rowsText(rows)} ${how}${rows === 1 ? "takes" : "take"}`;
}

function costText(rows: number, { fit, runMs }: ReasonFacts): string {
  if (fit === undefined) return `${takeText(rows)} ${short(runMs(rows))} ms`;
  return `${short(fit.fixedMs)} ms + ${short(fit.rowMs)} ms a row`;
}

function waitText(delayMs: Millis): string {
  return delayMs === 0 ? "" : `; an idle engine waits ${delayMs} ms, as others come meanwhile`;
}

function aimText({ p99Ms, room }: ReasonFacts): string {
  if (Math.abs(room - 1) < roomWorthTelling) return "";
  const than = room < 1 ? "later" : "sooner";
  return `; aimed at ${short(p99Ms * room)} ms, as answers came ${than} than foretold`;
}

/** Two digits say enough of a measure. */
function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : `${Number(value.toPrecision(2))}`;
}
