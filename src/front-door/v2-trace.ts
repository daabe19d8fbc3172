/* The trace extension of Open Inference V2 in pure parts: its fields are texts, as Triton has them. */
import { TroupeError } from "../protocol/errors.ts";
import type { TraceChange, TraceLevel, TraceSettings } from "../protocol/traces.ts";

type Json = Readonly<Record<string, unknown>>;

const names = ["trace_level", "trace_rate", "trace_count", "log_frequency", "trace_file"] as const;
const most = 2 ** 31 - 1;

export function traceSettingJson({ level, rate, count, logFrequency, file }: TraceSettings): Json {
  return {
    trace_file: file,
    trace_level: [level],
    trace_rate: String(rate),
    trace_count: String(count ?? -1),
    log_frequency: String(logFrequency),
  };
}

/** Throws `invalid-request` that names the field, and `not-implemented` for tensors. */
export function traceChangeOf(fields: Json): TraceChange {
  const changes = Object.entries(fields).map(([name, value]) => changeOf(name, value));
  return Object.assign({}, ...changes) as TraceChange;
}

function changeOf(name: string, value: unknown): TraceChange {
  const read = <T>(take: (name: string, value: unknown) => T) =>
    value === null ? false : take(name, value);
  switch (name) {
    case "trace_level":
      return { level: read(levelOf) };
    case "trace_rate":
      return { rate: read((field, given) => wholeOf(field, given, 1)) };
    case "trace_count":
      return { count: read(countOf) };
    case "log_frequency":
      return { logFrequency: read((field, given) => wholeOf(field, given, 0)) };
    case "trace_file":
      return { file: read(textOf) };
    default:
      throw invalid(`unknown setting '${name}'; known are ${names.join(", ")}`);
  }
}

function levelOf(name: string, value: unknown): TraceLevel {
  const levels: readonly unknown[] = Array.isArray(value) ? value : [value];
  const [only] = levels;
  if (levels.includes("TENSORS")) {
    throw new TroupeError("not-implemented", `${name} TENSORS is not supported: take TIMESTAMPS`);
  }
  if (levels.length === 1 && (only === "OFF" || only === "TIMESTAMPS")) return only;
  throw invalid(`${name} must be ["TIMESTAMPS"] or ["OFF"], got ${JSON.stringify(value)}`);
}

function countOf(name: string, value: unknown): number | null {
  const count = wholeOf(name, value, -1);
  return count === -1 ? null : count;
}

function wholeOf(name: string, value: unknown, least: number): number {
  const isWritten = typeof value === "string" && /^-?\d{1,10}$/.test(value);
  const number = isWritten ? Number(value) : value;
  if (Number.isSafeInteger(number) && Number(number) >= least && Number(number) <= most) {
    return Number(number);
  }
  throw invalid(`${name} must be a whole number from ${least}, got ${JSON.stringify(value)}`);
}

function textOf(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw invalid(`${name} must be a text, got ${JSON.stringify(value)}`);
}

function invalid(words: string): TroupeError {
  return new TroupeError("invalid-request", words);
}
