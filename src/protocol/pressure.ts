import type { FrameWriter } from "./frame-stream.ts";

export const breakerStates = ["closed", "half-open", "open"] as const;
export type BreakerState = (typeof breakerStates)[number];

/** What a host says of its load. */
export interface Pressure {
  readonly queuedRows: number;
  readonly runningRows: number;
  /** Fitted time per row in a full batch, milliseconds; 0 while unknown. */
  readonly rowCostMs: number;
  /** Fitted time of a batch of one row, milliseconds; 0 while unknown. */
  readonly batchCostMs: number;
  /** A moving average. */
  readonly rowsPerRequest: number;
  readonly breaker: BreakerState;
  readonly draining: boolean;
  /** How long the breaker stays open, milliseconds. */
  readonly breakerRetryMs: number;
  /** Sequences that it keeps. */
  readonly sequences: number;
}

export const pressureBytes = 30;
const mostRetryMs = 0xffff_ffff;

/** The layout stands at the head of frames.ts. */
export function putPressure(writer: FrameWriter, pressure: Pressure): void {
  writer.u32(pressure.queuedRows);
  writer.u32(pressure.runningRows);
  writer.f32(pressure.rowCostMs);
  writer.f32(pressure.batchCostMs);
  writer.f32(pressure.rowsPerRequest);
  writer.u8(breakerStates.indexOf(pressure.breaker));
  writer.u8(pressure.draining ? 1 : 0);
  writer.u32(Math.min(Math.ceil(pressure.breakerRetryMs), mostRetryMs));
  writer.u32(pressure.sequences);
}

/** Undefined where the bytes at `at` are no pressure. */
export function parsePressure(frame: Buffer, at: number): Pressure | undefined {
  if (frame.length < at + pressureBytes) return undefined;
  const breaker = breakerStates[frame[at + 20] ?? -1];
  const rowCostMs = frame.readFloatLE(at + 8);
  const batchCostMs = frame.readFloatLE(at + 12);
  const rowsPerRequest = frame.readFloatLE(at + 16);
  const areMeasures = [rowCostMs, batchCostMs, rowsPerRequest].every(isMeasure);
  if (breaker === undefined || !areMeasures) return undefined;
  return {
    queuedRows: frame.readUInt32LE(at),
    runningRows: frame.readUInt32LE(at + 4),
    rowCostMs,
    batchCostMs,
    rowsPerRequest,
    breaker,
    draining: frame[at + 21] === 1,
    breakerRetryMs: frame.readUInt32LE(at + 22),
    sequences: frame.readUInt32LE(at + 26),
  };
}

function isMeasure(value: number): boolean {
  return value >= 0 && Number.isFinite(value);
}
