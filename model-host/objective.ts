/* How many rows a batch may hold, and how long an idle engine waits for company, so that a stated p99 is kept. */
import type { Millis } from "../src/platform/clock.ts";

export interface ObjectiveFacts {
  readonly now: Millis;
  readonly p99Ms: Millis;
  /** As configured: neither limit is ever passed. */
  readonly mostRows: number;
  readonly mostDelayMs: Millis;
  /** What so many rows take in one run; 0 while that is not known. */
  readonly runMs: (rows: number) => Millis;
  /** The part of it that is the same for one row and for many; undefined while all batches had as many rows. */
  readonly fixedMs: Millis | undefined;
  readonly rowsPerMs: number;
  /** Of one request; a few large ones among small ones do not count. */
  readonly usualRows: number;
  /** The share of the objective that predictions may fill, as measured latencies have taught it. */
  readonly room: number;
  /** Batch after batch leaves so many behind that they cannot be answered in time. */
  readonly isBehind: boolean;
  /** For so long batches of `rowsWithin` would have left no such number behind. */
  readonly calmMs: Millis;
}

export type Choice =
  /** As without an objective, since what a run takes, and each row in it, is not known. */
  | { readonly type: "unknown"; readonly rows: number; readonly delayMs: 0 }
  | {
      readonly type: "within";
      readonly rows: number;
      readonly delayMs: Millis;
      readonly since: Millis;
    }
  /** A usual request takes longer than the objective, though it runs alone; "idle" where nobody has asked for long. */
  | {
      readonly type: "slow" | "idle";
      readonly rows: number;
      readonly delayMs: 0;
      readonly requestRows: number;
      readonly requestMs: Millis;
    }
  /** Large requests run whole, as without an objective: in pieces they would make more requests late. */
  | { readonly type: "uncut"; readonly rows: number; readonly delayMs: 0 }
  /** More comes than batches of `rowsWithin`, which would keep the objective, can run. */
  | {
      readonly type: "overloaded";
      readonly rows: number;
      readonly delayMs: 0;
      readonly rowsWithin: number;
      readonly since: Millis;
    };

/** Of what batches of some size can run: past the first a queue that stands may have no end, below the second it has. */
const highLoad = 0.75;
const easedLoad = 0.6;
/** A queue that was only a while there ends sooner than who keeps the engine busy. */
const longCalmMs = 2_000;
/** After so long it is tried again whether the objective can be kept: who keeps the engine busy need not be in a hurry. */
const retryMs = 60_000;
/** What has gathered before is not held against a try: it has so many times the objective. */
const settleTimes = 4;
/** Requests that are expected to come while an engine waits; where it waits already, fewer are enough. */
const worthCompany = 1;
const stillWorthCompany = 0.7;
/** What took too long is in time again where it is this much shorter than the objective. */
const margin = 0.9;
/** A piece of a large request is at least so many times the fixed part of its cost. */
const worthPiece = 2;
/** With less of it fixed, requests that run together are hardly quicker than one by one. */
const worthSharing = 0.2;

/**
 * Who comes as a run begins waits for its end and runs in the next one: so batches take at most half of the objective.
 * Large requests are cut for that, but not into pieces that would take longer, and so make nobody sooner: whole they are
 * gone sooner. Where that cannot be kept, whatever is chosen, batches are as large as without it, since those bring the most through.
 */
export function choose(facts: ObjectiveFacts, before: Choice): Choice {
  const { mostRows, p99Ms, runMs } = facts;
  const requestRows = usualRowsOf(facts);
  const requestMs = runMs(requestRows);
  if (requestMs === 0) return unknownChoice(mostRows);
  if (requestMs > p99Ms * (before.type === "slow" ? margin : 1)) {
    return { type: "slow", rows: mostRows, delayMs: 0, requestRows, requestMs };
  }
  // Batches of so many rows as are in time by a guess might all be of one size, and the guess would stay.
  if (facts.fixedMs === undefined && mostRows > 1) return unknownChoice(mostRows);
  const piece = smallestPiece(facts);
  if (2 * runMs(piece) > p99Ms * (before.type === "uncut" ? margin : 1)) {
    return { type: "uncut", rows: mostRows, delayMs: 0 };
  }
  const rows = Math.max(piece, rowsWithin(facts));
  return judgeLoad(facts, rows, before) ?? within(facts, rows, before);
}

/** Where nobody has asked for long: by what runs cost, and as if nothing had ever been measured of a load. */
export function chooseIdle(facts: ObjectiveFacts): Choice {
  const choice = choose({ ...facts, isBehind: false }, unknownChoice(facts.mostRows));
  return choice.type === "slow" ? { ...choice, type: "idle" } : choice;
}

/**
 * To cut what most requests bring would cost a run for each piece, and nobody would have his answer sooner. Nor would he
 * where pieces are mostly the fixed part of their cost: they would keep the engine from the others for longer. And where
 * it is a good part of what one request costs, to run each alone would let them queue.
 */
function smallestPiece(facts: ObjectiveFacts): number {
  const { mostRows, runMs, fixedMs = 0 } = facts;
  const requestRows = usualRowsOf(facts);
  const sharing = fixedMs > worthSharing * runMs(requestRows) ? 2 : 1;
  return Math.max(Math.min(mostRows, sharing * requestRows), rowsIn(worthPiece * fixedMs, facts));
}

function usualRowsOf({ mostRows, usualRows }: ObjectiveFacts): number {
  return Math.min(mostRows, Math.max(1, Math.round(usualRows)));
}

export function unknownChoice(mostRows: number): Choice {
  return { type: "unknown", rows: mostRows, delayMs: 0 };
}

export function isThroughputFirst({ type }: Choice): boolean {
  return type === "slow" || type === "overloaded";
}

function within(facts: ObjectiveFacts, rows: number, before: Choice): Choice {
  const since = before.type === "within" ? before.since : facts.now;
  return { type: "within", rows, delayMs: delayFor(facts, rows, before), since };
}

function rowsWithin(facts: ObjectiveFacts): number {
  return rowsIn((facts.p99Ms * facts.room) / 2, facts);
}

/** The most whose run takes no longer; 0 where not even one row runs so quickly. */
function rowsIn(mostMs: Millis, { mostRows, runMs }: ObjectiveFacts): number {
  let fits = 0;
  let tooMany = mostRows + 1;
  while (tooMany - fits > 1) {
    const rows = Math.floor((fits + tooMany) / 2);
    if (runMs(rows) <= mostMs) fits = rows;
    else tooMany = rows;
  }
  return fits;
}

/** Undefined where batches of so many rows keep up. */
function judgeLoad(facts: ObjectiveFacts, rows: number, before: Choice): Choice | undefined {
  const { now, mostRows, isBehind, calmMs, p99Ms } = facts;
  const load = loadOf(facts, rows);
  if (before.type === "overloaded") {
    const isEased = load < easedLoad || calmMs >= longCalmMs;
    if (isEased || now - before.since >= retryMs) return undefined;
    return { ...before, rows: mostRows, rowsWithin: rows };
  }
  const hasSettled = before.type !== "within" || now - before.since >= settleTimes * p99Ms;
  if (!isBehind || !hasSettled || load < highLoad) return undefined;
  return { type: "overloaded", rows: mostRows, delayMs: 0, rowsWithin: rows, since: now };
}

/**
 * Whole milliseconds, as timers have no others. Company saves a run of its own, and with that the fixed part of its cost:
 * to wait for half as long loses nothing even where those who wait are all that there are. Less than one request that
 * comes in that time is no company.
 */
function delayFor(facts: ObjectiveFacts, rows: number, before: Choice): Millis {
  const { fixedMs = 0, mostDelayMs, p99Ms, room, runMs, rowsPerMs, usualRows } = facts;
  const delayMs = Math.floor(Math.min(fixedMs / 2, mostDelayMs));
  const company = (delayMs * rowsPerMs) / Math.max(1, usualRows);
  const worth = before.delayMs > 0 ? stillWorthCompany : worthCompany;
  const isLeft = delayMs + runMs(rows) <= p99Ms * room;
  return rows > 1 && isLeft && company >= worth ? delayMs : 0;
}

/** What was measured over a while in which the objective was aimed at. */
export interface Measured {
  readonly p99Ms: Millis;
  /** Batches were as large as they might be: another limit would have made a difference. */
  readonly isFull: boolean;
  /** An idle engine has waited for company. */
  readonly hasWaited: boolean;
  /** The limit of these batches, and how many requests there were for each that fit into one. */
  readonly rows: number;
  readonly requestsPerBatch: number;
}

const leastRoom = 0.3;
const mostRoom = 1.6;
/** The least that is left of the room at once. */
const steepest = 0.7;
const growth = 1.05;
/** Between these shares of the objective nothing is changed, so that the choice comes to rest a little below it. */
const restShare = 0.75;
const lateShare = 0.95;
/** How much of the way back to 1 is gone at once where nothing was learned. */
const forgetting = 0.1;
/** Where requests are there for this much of a batch, it is the queue that makes them late. */
const queuedShare = 0.75;

/**
 * The room after what was measured: less where answers came too late, by the root of how much, so that one bad while does
 * not undo it; slowly more where they came early. Where the choice made no difference nothing was learned.
 */
export function adjustRoom(facts: ObjectiveFacts, measured: Measured): number {
  const { room, p99Ms: objectiveMs, mostRows } = facts;
  const { p99Ms, isFull, hasWaited, rows } = measured;
  const isBound = isFull || hasWaited;
  if (isBound && p99Ms > lateShare * objectiveMs) return lessRoom(facts, measured);
  if (isBound && p99Ms >= restShare * objectiveMs) return room;
  if (isFull && rows < mostRows) return Math.min(mostRoom, room * growth);
  return recovered(room);
}

/**
 * Smaller batches make nobody sooner who waits in a queue, nor do those that cannot keep up with what comes, or that would
 * be mostly the fixed part of their cost.
 */
function lessRoom(facts: ObjectiveFacts, measured: Measured): number {
  const { room, p99Ms: objectiveMs } = facts;
  const { p99Ms, rows, requestsPerBatch } = measured;
  if (requestsPerBatch >= queuedShare * rows) return Math.max(room, recovered(room));
  const less = Math.max(
    leastRoom,
    room * Math.max(steepest, Math.sqrt((lateShare * objectiveMs) / p99Ms)),
  );
  const fewer = Math.max(1, rowsWithin({ ...facts, room: less }));
  const losesStep = loadOf(facts, fewer) >= highLoad && loadOf(facts, rows) < highLoad;
  const isWaste = fewer < smallestPiece(facts);
  return losesStep || isWaste ? room : less;
}

function recovered(room: number): number {
  return room + (1 - room) * forgetting;
}

/** Of an engine that runs batches of so many rows: past 1 it cannot keep up. */
function loadOf({ rowsPerMs, runMs }: ObjectiveFacts, rows: number): number {
  return (rowsPerMs * runMs(rows)) / rows;
}
