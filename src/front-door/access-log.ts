/* One line for a request that was answered: all failures but a flood of refusals, and a share of the others. */
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { ErrorCode } from "../protocol/errors.ts";
import type { HostStages } from "../protocol/frames.ts";
import { RefusalLines } from "./refusal-lines.ts";

export interface AccessEntry {
  readonly requestId: string;
  readonly route: string;
  readonly model: string;
  readonly version: string;
  readonly status: number;
  readonly code: ErrorCode | null;
  readonly error: string | null;
  readonly admissionMs: number;
  readonly totalMs: number;
  readonly stages: HostStages | undefined;
}

/** A request about models, or about the server, that is no prediction. */
export interface PlainEntry {
  readonly requestId: string;
  readonly method: string;
  /** As it was asked for, without its query. */
  readonly path: string;
  readonly status: number;
  readonly code: ErrorCode | null;
  readonly error: string | null;
  readonly totalMs: number;
}

const maxPathLength = 256;

export interface AccessLogParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The share of what succeeds that gets a line. */
  readonly sample: number;
  /** Told of every request, whether there is a line for it or not. */
  readonly onEntry?: (entry: AccessEntry) => void;
}

export class AccessLog {
  readonly #log: Log;
  readonly #sample: number;
  readonly #refusals: RefusalLines;
  readonly #onEntry: (entry: AccessEntry) => void;
  #debt = 0;

  constructor({ clock, log, sample, onEntry = () => undefined }: AccessLogParts) {
    this.#log = log;
    this.#sample = sample;
    this.#onEntry = onEntry;
    this.#refusals = new RefusalLines(clock, log);
  }

  /** Evenly spaced, not by chance, so that a share of one in a hundred is one in a hundred. */
  note(entry: AccessEntry): void {
    this.#onEntry(entry);
    if (!this.#log.isLevelEnabled(levelOf(entry.status))) return;
    if (entry.code === null ? this.#isDue() : this.#refusals.isDue(entry)) this.#write(entry);
  }

  /** What changes something is not left out, however few of the others are wanted. */
  notePlain(entry: PlainEntry): void {
    const { method, path, code, error, status } = entry;
    const isRead = method === "GET" || method === "HEAD";
    if (code === null && isRead && !this.#isDue()) return;
    const fields = {
      request_id: entry.requestId,
      method,
      path: path.slice(0, maxPathLength),
      status,
      code: code ?? undefined,
      error: error ?? undefined,
      total_ms: round(entry.totalMs),
    };
    this.#say(status, fields);
  }

  /** The level may change. */
  #isDue(): boolean {
    if (!this.#log.isLevelEnabled("info")) return false;
    this.#debt += this.#sample;
    if (this.#debt < 1) return false;
    this.#debt -= 1;
    return true;
  }

  #write(entry: AccessEntry): void {
    const { stages } = entry;
    const fields = {
      request_id: entry.requestId,
      route: entry.route,
      model: entry.model,
      version: entry.version,
      status: entry.status,
      code: entry.code ?? undefined,
      error: entry.error ?? undefined,
      admission_ms: round(entry.admissionMs),
      decode_ms: stages && round(stages.decodeUs / 1e3),
      queue_ms: stages && round(stages.queueUs / 1e3),
      run_ms: stages && round(stages.runUs / 1e3),
      encode_ms: stages && round(stages.encodeUs / 1e3),
      total_ms: round(entry.totalMs),
    };
    this.#say(entry.status, fields);
  }

  #say(status: number, fields: object): void {
    this.#log[levelOf(status)](fields, "request");
  }
}

function levelOf(status: number): "info" | "warn" {
  return status >= 500 && status !== 503 ? "warn" : "info";
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
