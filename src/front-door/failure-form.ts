/* How a failure is written over HTTP: a status and a body, as the protocol of its route has them. */
import type { Failure } from "../protocol/errors.ts";
import { httpStatus } from "./statuses.ts";
import { tritonRefusal } from "./triton-refusal.ts";

export interface WrittenFailure {
  readonly status: number;
  readonly body: string;
}

export type FailureForm = (failure: Failure, requestId: string) => WrittenFailure;

/** The shape of Open Inference, and what Troupe adds to it. */
export const troupeForm: FailureForm = ({ code, message }, requestId) => ({
  status: httpStatus[code],
  body: JSON.stringify({ error: message, code, request_id: requestId }),
});

/** Undefined where it is Troupe's own. */
export function formFor(url: string | undefined, compatTriton: boolean): FailureForm | undefined {
  if (!compatTriton || url === undefined || !isTritonsPath(url)) return undefined;
  return (failure) => {
    const { status, error } = tritonRefusal(failure, url);
    return { status, body: JSON.stringify({ error }) };
  };
}

export function isTritonsPath(url: string): boolean {
  return /^\/v2(?:[/?]|$)/.test(url);
}
