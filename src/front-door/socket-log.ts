import type { Failure } from "../protocol/errors.ts";
import type { AccessEntry, AccessLog } from "./access-log.ts";
import type { InferFrame } from "./socket-frame.ts";
import { httpStatus } from "./statuses.ts";

/** What became of a frame. */
export interface FrameOutcome
  extends Pick<AccessEntry, "model" | "version" | "totalMs" | "stages"> {
  readonly frame: InferFrame;
  readonly failure: Failure | null;
}

/** One line, as for a request over HTTP, with the status that it would have there. */
export function noteFrame(log: AccessLog, route: string, outcome: FrameOutcome): void {
  const { frame, failure, model, version, totalMs, stages } = outcome;
  log.note({
    model,
    version,
    totalMs,
    stages,
    route,
    requestId: frame.requestId,
    status: failure === null ? 200 : httpStatus[failure.code],
    code: failure?.code ?? null,
    error: failure?.message ?? null,
    admissionMs: 0,
  });
}
