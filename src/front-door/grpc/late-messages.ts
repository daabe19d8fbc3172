/* Ends calls whose one message takes too long to come, as grpc-js waits for it for ever. */
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
} from "@grpc/grpc-js";
import type { Clock } from "../../platform/clock.ts";
import { newRequestId } from "../request-head.ts";
import { statusOf } from "./call-status.ts";

/** As long as a body over HTTP may take. */
const messageMs = 30_000;

/** Streams may wait for messages as long as they like. */
export function lateMessages(clock: Clock): ServerInterceptor {
  return ({ requestStream }, call) => (requestStream ? plain(call) : watched(call, clock));
}

function plain(call: ServerInterceptingCallInterface): ServerInterceptingCall {
  return new ServerInterceptingCall(call);
}

function watched(call: ServerInterceptingCallInterface, clock: Clock): ServerInterceptingCall {
  return new ServerInterceptingCall(call, {
    start: (next) => {
      const disarm = clock.after(messageMs, () => call.sendStatus(late()));
      const listener = new ServerListenerBuilder()
        .withOnReceiveMessage((message, pass) => {
          disarm();
          pass(message);
        })
        .withOnCancel(disarm)
        .build();
      next(listener);
    },
  });
}

function late() {
  const message = `the request took too long to send: ${messageMs} ms in all`;
  return statusOf({ code: "request-timeout", message }, newRequestId());
}
