/* ModelInfer: one request, one answer. */
import type { handleUnaryCall, MethodDefinition } from "@grpc/grpc-js";
import { toFailure } from "../../protocol/errors.ts";
import type { PredictionParts } from "../prediction.ts";
import { grpcCodeOf } from "../statuses.ts";
import { limitsOf } from "./call-status.ts";
import { type CallParts, UnaryAnswer, watchCall, whyCancelled } from "./calls.ts";
import type { Connections } from "./connections.ts";
import type { Json, Received } from "./definitions.ts";
import type { InferRequest } from "./infer-request.ts";
import { inferResponse } from "./infer-response.ts";
import { Inference, type InferenceAsk } from "./inference.ts";

export interface InferCallParts extends CallParts, PredictionParts {
  readonly connections: Connections;
  readonly encode: (response: Json) => Buffer;
}

export function inferCall(
  parts: InferCallParts,
  { path: route }: MethodDefinition<unknown, unknown>,
): handleUnaryCall<Received<InferRequest>, unknown> {
  return (call, callback) => {
    const answer = new UnaryAnswer(call, callback, watchCall(parts, route));
    const { request: received } = call;
    if (received.type === "refused") return answer.failed(received.failure);
    const { message: request } = received;
    let ended = () => {};
    let ask: InferenceAsk;
    try {
      ask = {
        route,
        requestId: answer.requestId,
        ...limitsOf(call, parts.clock.wall()),
        onDone: (answered) => {
          // Encoded at once, as the bytes are gone on return.
          answer.done(parts.encode(inferResponse(answered, request.id)));
          ended = parts.connections.wait(call.getPeer());
        },
        onFailed: (failure) => answer.failed(failure),
      };
    } catch (thrown) {
      return answer.failed(toFailure(thrown));
    }
    const inference = new Inference(parts, ask, request);
    // Comes at the end of every call.
    call.on("cancelled", () => {
      const why = whyCancelled(call.getDeadline(), parts.clock.wall());
      inference.leave(why);
      inference.release();
      answer.left(grpcCodeOf(why));
      ended();
    });
    inference.begin();
  };
}
