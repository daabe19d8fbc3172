/*
 * ModelStreamInfer: requests on one stream, each answered once and in their order, as Triton does. A request that fails
 * leaves the stream open. No more is read while many are in flight, or their answers wait for the reader.
 */
import type { handleBidiStreamingCall, MethodDefinition, ServerDuplexStream } from "@grpc/grpc-js";
import type { DoorSettings } from "../../protocol/control.ts";
import { type Failure, toFailure } from "../../protocol/errors.ts";
import { newRequestId } from "../request-head.ts";
import { grpcCodeOf } from "../statuses.ts";
import { limitsOf, statusOf } from "./call-status.ts";
import { watchCall, whyCancelled } from "./calls.ts";
import type { Received } from "./definitions.ts";
import type { InferCallParts } from "./infer-call.ts";
import type { InferRequest } from "./infer-request.ts";
import { inferResponse } from "./infer-response.ts";
import { Inference } from "./inference.ts";
import type { OpenStreams } from "./open-streams.ts";

export interface InferStreamParts extends InferCallParts {
  readonly settings: Pick<DoorSettings, "grpcMaxInFlight" | "grpcMaxBufferedBytes">;
  readonly streams: OpenStreams;
}

type Call = ServerDuplexStream<Received<InferRequest>, Buffer>;

export function inferStream(
  parts: InferStreamParts,
  { path }: MethodDefinition<unknown, unknown>,
): handleBidiStreamingCall<Received<InferRequest>, Buffer> {
  return (call) => new InferStream(parts, path, call).begin();
}

interface Internals {
  readonly _readableState: { highWaterMark: number };
}

interface Open {
  inference: Inference | undefined;
  /** What is written when all before it are. */
  answer: Buffer | undefined;
}

const stopped: Failure = { code: "draining", message: "the server is draining" };

class InferStream {
  readonly #parts: InferStreamParts;
  readonly #route: string;
  readonly #call: Call;
  /** In the order in which they came. */
  readonly #open: Open[] = [];
  /** Of answers that wait for those before them, or for the reader. */
  #bufferedBytes = 0;
  /** Answers that were written, and have not left. */
  #leaving = 0;
  #isOver = false;
  /** Nothing comes any more, and the stream ends with its last answer. */
  #ending: Failure | "by client" | undefined;

  constructor(parts: InferStreamParts, route: string, call: Call) {
    this.#parts = parts;
    this.#route = route;
    this.#call = call;
    // Node would read 16 messages ahead while it is paused, each of which may be large.
    (call as unknown as Internals)._readableState.highWaterMark = 1;
  }

  begin(): void {
    const call = this.#call;
    const { clock, streams } = this.#parts;
    const note = watchCall(this.#parts, this.#route);
    const forget = streams.add(() => this.#end(stopped));
    call.on("data", (received: Received<InferRequest>) => this.#take(received));
    call.on("end", () => this.#end("by client"));
    // Comes at the end of every call.
    call.on("cancelled", () => {
      const isDone = this.#isOver;
      this.#isOver = true;
      forget();
      const why = whyCancelled(call.getDeadline(), clock.wall());
      for (const { inference } of this.#open) {
        inference?.leave(why);
        inference?.release();
      }
      if (isDone && this.#ending === "by client") note("OK");
      else note(grpcCodeOf(isDone ? stopped : why));
    });
  }

  #take(received: Received<InferRequest>): void {
    received.onTaken?.();
    // What comes behind the end of a drained stream was not begun, which its status says.
    if (this.#ending !== undefined) return;
    const open: Open = { inference: undefined, answer: undefined };
    this.#open.push(open);
    try {
      if (received.type === "refused")
        this.#answer(open, { error_message: received.failure.message });
      else this.#begin(open, received.message);
    } catch (thrown) {
      this.#answer(open, { error_message: toFailure(thrown).message });
    }
    this.#steer();
  }

  #begin(open: Open, request: InferRequest): void {
    open.inference = new Inference(
      this.#parts,
      {
        route: this.#route,
        requestId: newRequestId(),
        ...limitsOf(this.#call, this.#parts.clock.wall()),
        onDone: (answered) => {
          const more = { triton_final_response: true };
          this.#answer(open, { infer_response: inferResponse(answered, request.id, more) });
        },
        onFailed: ({ message }) =>
          // The id tells the client which of its requests it was.
          this.#answer(open, { error_message: message, infer_response: { id: request.id } }),
      },
      request,
    );
    open.inference.begin();
  }

  #answer(open: Open, response: Parameters<InferStreamParts["encode"]>[0]): void {
    open.answer = this.#parts.encode(response);
    open.inference?.release();
    this.#bufferedBytes += open.answer.length;
    this.#flush();
  }

  #flush(): void {
    for (let first = this.#open[0]; first?.answer !== undefined; first = this.#open[0]) {
      this.#open.shift();
      this.#write(first.answer);
    }
    this.#steer();
    if (this.#open.length === 0) this.#finish();
  }

  #write(answer: Buffer): void {
    if (this.#isOver) return;
    const ended = this.#parts.connections.wait(this.#call.getPeer());
    this.#leaving += 1;
    this.#call.write(answer, () => {
      ended();
      this.#leaving -= 1;
      this.#bufferedBytes -= answer.length;
      this.#steer();
    });
  }

  /** Reads on where there is room for another request. */
  #steer(): void {
    const { grpcMaxInFlight, grpcMaxBufferedBytes } = this.#parts.settings;
    const count = this.#open.length + this.#leaving;
    if (count >= grpcMaxInFlight || this.#bufferedBytes > grpcMaxBufferedBytes) this.#call.pause();
    else if (this.#call.isPaused()) this.#call.resume();
  }

  #end(why: Failure | "by client"): void {
    if (this.#ending !== undefined || this.#isOver) return;
    this.#ending = why;
    if (this.#open.length === 0) this.#finish();
  }

  /** Writes that are under way leave before the status. */
  #finish(): void {
    if (this.#ending === undefined || this.#isOver) return;
    this.#isOver = true;
    if (this.#ending === "by client") this.#call.end();
    else this.#call.emit("error", statusOf(this.#ending, newRequestId()));
  }
}
