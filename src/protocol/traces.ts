/* Traces of requests: what of them is taken, and the points on the machine's monotonic clock that one consists of. */
import { type Fields, fieldsOf, finite, list, nullOr, text } from "./field-parsing.ts";

export const traceLevels = ["OFF", "TIMESTAMPS"] as const;
export type TraceLevel = (typeof traceLevels)[number];

export interface TraceSettings {
  readonly level: TraceLevel;
  /** One of so many requests is traced, at each front door. */
  readonly rate: number;
  /** Traces that are still taken; null is no end. */
  readonly count: number | null;
  /** After so many traces the next file begins; 0 keeps one file. */
  readonly logFrequency: number;
  /** Inside the operator's folder; empty is none. */
  readonly file: string;
}

/** What is named is set; false gives a model what holds for all, and all the default. */
export type TraceChange = {
  readonly [K in keyof TraceSettings]?: TraceSettings[K] | false;
};

/** What a front door needs to know; null takes none. */
export interface Sampling {
  readonly rate: number;
  readonly count: number | null;
}

export interface TracePlan {
  readonly all: Sampling | null;
  /** Of models with settings of their own. */
  readonly models: readonly (readonly [string, Sampling | null])[];
}

export const tracesNothing: TracePlan = { all: null, models: [] };

/** Milliseconds on the machine's monotonic clock; null where the request did not come that far. */
export interface HostPoints {
  readonly queuedAt: number | null;
  readonly batchBegunAt: number | null;
  readonly runBegunAt: number | null;
  readonly runEndedAt: number | null;
  readonly answeredAt: number | null;
  /** Of the batch that it ran in last; 0 where it ran in none. */
  readonly batchRows: number;
}

/** In the order in which they are written in a frame. */
export const hostPointNames = [
  "queuedAt",
  "batchBegunAt",
  "runBegunAt",
  "runEndedAt",
  "answeredAt",
] as const satisfies readonly (keyof HostPoints)[];

export interface Trace {
  readonly requestId: string;
  readonly model: string;
  readonly version: string;
  readonly status: number;
  readonly receivedAt: number;
  readonly admittedAt: number;
  /** Null where it was never sent to a host; the last time counts. */
  readonly sentAt: number | null;
  /** Null where no host has answered it. */
  readonly host: HostPoints | null;
  readonly writtenAt: number;
}

/** Traces in one message of a front door. */
export const mostTraces = 256;

/** Throws Unreadable. */
export function tracesOf(value: unknown): readonly Trace[] {
  return list(value, mostTraces).map((one) => traceOf(fieldsOf(one)));
}

function traceOf(fields: Fields): Trace {
  return {
    requestId: text(fields["requestId"]),
    model: text(fields["model"]),
    version: text(fields["version"]),
    status: finite(fields["status"]),
    receivedAt: finite(fields["receivedAt"]),
    admittedAt: finite(fields["admittedAt"]),
    sentAt: nullOr(finite, fields["sentAt"]),
    host: nullOr((host) => hostPointsOf(fieldsOf(host)), fields["host"]),
    writtenAt: finite(fields["writtenAt"]),
  };
}

function hostPointsOf(fields: Fields): HostPoints {
  const point = (name: string) => nullOr(finite, fields[name]);
  return {
    queuedAt: point("queuedAt"),
    batchBegunAt: point("batchBegunAt"),
    runBegunAt: point("runBegunAt"),
    runEndedAt: point("runEndedAt"),
    answeredAt: point("answeredAt"),
    batchRows: finite(fields["batchRows"]),
  };
}
