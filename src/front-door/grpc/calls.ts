/* How a call is counted and answered, whatever it asks for. */
import {
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type { Clock } from "../../platform/clock.ts";
import { type Failure, toError, toFailure } from "../../protocol/errors.ts";
import type { AccessLog } from "../access-log.ts";
import type { DoorMetrics } from "../door-metrics.ts";
import { type GrpcCode, grpcCodeOf, httpStatus } from "../statuses.ts";
import { requestIdIn, statusOf } from "./call-status.ts";
import type { Received } from "./definitions.ts";

export interface CallParts {
  readonly clock: Clock;
  readonly metrics: DoorMetrics;
  readonly accessLog: AccessLog;
}

/** Those that manage models, or the server. */
const logged = /\/(?:Repository\w+|LogSettings)$/;

/** What a method knows of the call beside its message. */
export interface CallHead {
  readonly metadata: Metadata;
  /** The `:authority` by which the server was asked. */
  readonly host: string;
  readonly requestId: string;
}

export type Answerer = (message: never, head: CallHead) => unknown;

/** Notes the end of a call, once. */
export function watchCall({ clock, metrics }: CallParts, path: string): (code: GrpcCode) => void {
  const beganAt = clock.now();
  let isNoted = false;
  return (code) => {
    if (isNoted) return;
    isNoted = true;
    metrics.call(path, code, (clock.now() - beganAt) / 1e3);
  };
}

/** The call's caller has left, or its deadline has come: grpc-js has answered already where anybody hears it. */
export function whyCancelled(deadline: Date | number, wall: number): Failure {
  // A timer of Node's may come a millisecond early.
  if (Number(deadline) <= wall + 1) {
    return { code: "deadline-exceeded", message: "Cannot answer: the deadline of the call passed" };
  }
  return { code: "cancelled", message: "the client left" };
}

/** What `answer` gives, or the status of what it throws. */
export function unary(
  parts: CallParts,
  method: MethodDefinition<unknown, unknown>,
  answer: Answerer,
): handleUnaryCall<Received<never>, unknown> {
  return (call, callback) => {
    const note = watchCall(parts, method.path);
    const settle = new UnaryAnswer(call, callback, note);
    const log = callLog(parts, method.path, settle.requestId);
    call.on("cancelled", () => {
      const failure = whyCancelled(call.getDeadline(), parts.clock.wall());
      log(failure);
      note(grpcCodeOf(failure));
    });
    void run(call, answer, settle.requestId).then(
      (message) => {
        log(null);
        settle.done(message);
      },
      (thrown: unknown) => {
        log(toFailure(thrown));
        settle.failed(toFailure(thrown));
      },
    );
  };
}

/** Writes a line, once, with the status that the call would have over HTTP. */
function callLog(
  { clock, accessLog }: CallParts,
  path: string,
  requestId: string,
): (failure: Failure | null) => void {
  const beganAt = clock.now();
  let isNoted = !logged.test(path);
  return (failure) => {
    if (isNoted) return;
    isNoted = true;
    const { code = null, message: error = null } = failure ?? {};
    const status = code === null ? 200 : httpStatus[code];
    const totalMs = clock.now() - beganAt;
    accessLog.notePlain({ requestId, method: "POST", path, status, code, error, totalMs });
  };
}

async function run(
  call: ServerUnaryCall<Received<never>, unknown>,
  answer: Answerer,
  requestId: string,
): Promise<unknown> {
  const { request, metadata } = call;
  if (request.type === "refused") throw toError(request.failure);
  return answer(request.message, { metadata, host: call.getHost(), requestId });
}

/** The one answer of a unary call, with the id by which the server's log knows it. */
export class UnaryAnswer {
  readonly requestId: string;
  readonly #callback: sendUnaryData<unknown>;
  readonly #note: (code: GrpcCode) => void;

  constructor(
    call: { readonly metadata: Metadata },
    callback: sendUnaryData<unknown>,
    note: (code: GrpcCode) => void,
  ) {
    this.requestId = requestIdIn(call.metadata);
    this.#callback = callback;
    this.#note = note;
  }

  done(message: unknown): void {
    this.#note("OK");
    const metadata = new Metadata();
    metadata.set("x-request-id", this.requestId);
    this.#callback(null, message, metadata);
  }

  /** Nobody is there to be answered. */
  left(code: GrpcCode): void {
    this.#note(code);
  }

  failed(failure: Failure): void {
    this.#note(grpcCodeOf(failure));
    this.#callback(statusOf(failure, this.requestId));
  }
}
