import type { Millis } from "../src/platform/clock.ts";
import type { CostFit } from "./cost-model.ts";
import type { Choice } from "./objective.ts";

export interface ReasonFacts {
  readonly p99Ms: Millis;
  readonly fit: CostFit | undefined;
  readonly runMs: (rows: number) => Millis;
  readonly rowsPerMs: number;
  readonly room: number;
  readonly observedP99Ms: Millis | null;
}

/** So far from 1 the room is worth a word. */
const roomWorthTelling = 0.05;

/** Why a host batches as it does, in words for a person. */
export function reasonOf(choice: Choice, facts: ReasonFacts): string {
  const { p99Ms } = facts;
  switch (choice.type) {
    case "unknown":
      return "batches as without an objective: what a run takes by its rows is not known yet";
    case "within":
      return `${batches(choice.rows)} are to keep p99 at ${short(p99Ms)} ms: ${costText(choice.rows, facts)}${waitText(choice.delayMs)}${measuredText(facts)}`;
    case "slow": {
      const { requestRows, requestMs } = choice;
      return `throughput first: ${takeText(requestRows, "alone ")} ${short(requestMs)} ms, more than ${short(p99Ms)} ms`;
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

function measuredText({ p99Ms, room, observedP99Ms }: ReasonFacts): string {
  const isMissed = observedP99Ms !== null && observedP99Ms > p99Ms;
  const missed = isMissed ? `; but ${short(observedP99Ms)} ms were measured` : "";
  if (Math.abs(room - 1) < roomWorthTelling) return missed;
  const than = room < 1 ? "later" : "sooner";
  return `; aimed at ${short(p99Ms * room)} ms, as answers came ${than} than foretold${missed}`;
}

/** Two digits say enough of a measure. */
function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : `${Number(value.toPrecision(2))}`;
}
