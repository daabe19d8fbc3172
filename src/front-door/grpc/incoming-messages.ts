/*
 * Messages on their way: their bytes are counted, packed and unpacked, and none takes for ever. grpc-js counts none, waits
 * as long as it takes, and has no options for either: its calls are looked into for that, here only.
 */
import type { Readable } from "node:stream";
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type ServerListener,
  ServerListenerBuilder,
} from "@grpc/grpc-js";
import type { Clock } from "../../platform/clock.ts";
import { TroupeError, toFailure } from "../../protocol/errors.ts";
import { type Coding, codings } from "../content-coding.ts";
import type { MessageRoom, RoomShare } from "../message-room.ts";
import { newRequestId } from "../request-head.ts";
import { statusOf } from "./call-status.ts";
import type { Received } from "./definitions.ts";
import { unpack } from "./unpacking.ts";

export interface IncomingParts {
  readonly clock: Clock;
  readonly room: MessageRoom;
  /** Of one message, unpacked. */
  readonly maxBytes: number;
  /** A call was refused, as there was no room for its message. */
  readonly onFull: () => void;
}

interface Internals {
  readonly stream: Readable;
  readonly decoder: { readState: number; readPartialMessage: readonly Buffer[] };
  /** The message begins with its flag and its length. What it rejects with becomes the status. */
  decompressMessage(message: Buffer, encoding: string): Promise<Buffer> | Buffer;
}

/** As long as a body over HTTP may take. */
const messageMs = 30_000;
/** What stands before each message. */
const headBytes = 5;
/** The decoder's state between two messages. */
const noData = 0;

export function incomingMessages(parts: IncomingParts): ServerInterceptor {
  return ({ requestStream }, call) => {
    const incoming = new IncomingMessages(parts, call, requestStream);
    return new ServerInterceptingCall(call, { start: (next) => next(incoming.listener()) });
  };
}

/** A message that is there, of which the call has taken nothing yet. */
interface Whole {
  bytes: number;
}

class IncomingMessages {
  readonly #parts: IncomingParts;
  readonly #call: ServerInterceptingCallInterface;
  readonly #internals: Internals;
  readonly #isStream: boolean;
  readonly #share: RoomShare;
  /** In the order in which the call gets them. */
  readonly #whole: Whole[] = [];
  /** Of the message that has begun to come. */
  #partBytes = 0;
  #isOver = false;
  #disarm: (() => void) | undefined;

  constructor(parts: IncomingParts, call: ServerInterceptingCallInterface, isStream: boolean) {
    this.#parts = parts;
    this.#call = call;
    this.#internals = call as unknown as Internals;
    this.#isStream = isStream;
    this.#share = parts.room.enter();
    const { stream, decompressMessage } = this.#internals;
    // Before the call's own listener, which makes messages of them.
    stream.prependListener("data", (chunk: Buffer) => this.#take(chunk.length));
    const other = decompressMessage.bind(call);
    this.#internals.decompressMessage = (message, encoding) => {
      const whole = this.#noteWhole(message.length);
      const coding = codings.find((one) => one === encoding);
      return coding === undefined ? other(message, encoding) : this.#unpack(message, coding, whole);
    };
  }

  listener(): ServerListener {
    const builder = new ServerListenerBuilder().withOnCancel(() => this.#end());
    if (this.#isStream) {
      builder.withOnReceiveMessage((message: Received<unknown>, pass) => pass(this.#held(message)));
    } else {
      this.#watch();
      // Until then nothing is done, however long the message is there.
      builder.withOnReceiveHalfClose((pass) => {
        this.#end();
        pass();
      });
    }
    return builder.build();
  }

  /** A stream that is not read from holds one message more than it has taken. */
  #held(message: Received<unknown>): Received<unknown> {
    const { bytes } = this.#whole.shift() ?? { bytes: 0 };
    return { ...message, onTaken: () => this.#isOver || this.#share.giveBack(bytes) };
  }

  #take(bytes: number): void {
    if (this.#isOver) return;
    this.#partBytes += bytes;
    if (this.#share.add(bytes)) this.#watch();
    else this.#refuse(this.#full());
  }

  #noteWhole(bytes: number): Whole {
    const whole = { bytes };
    this.#whole.push(whole);
    this.#partBytes -= bytes;
    const { decoder } = this.#internals;
    // It keeps the pieces of this message until the next begins.
    if (decoder.readState === noData) decoder.readPartialMessage = [];
    if (this.#isStream) this.#rest();
    return whole;
  }

  async #unpack(message: Buffer, coding: Coding, whole: Whole): Promise<Buffer> {
    const { maxBytes } = this.#parts;
    const onBytes = (bytes: number) => {
      whole.bytes += bytes;
      return this.#isOver || !this.#share.add(bytes) ? this.#full() : undefined;
    };
    try {
      const unpacked = await unpack(message.subarray(headBytes), { coding, maxBytes, onBytes });
      whole.bytes -= message.length;
      if (!this.#isOver) this.#share.giveBack(message.length);
      return unpacked;
    } catch (thrown) {
      throw statusOf(toFailure(thrown), newRequestId());
    }
  }

  #full(): TroupeError {
    const { room, onFull } = this.#parts;
    if (!this.#isOver) onFull();
    const words = `messages of ${room.bytes} bytes are on their way, and may have ${room.mostBytes}`;
    return new TroupeError("overloaded", `Cannot take request: ${words}`, { retryAfterMs: 100 });
  }

  #refuse(thrown: TroupeError): void {
    this.#call.sendStatus(statusOf(toFailure(thrown), newRequestId()));
    this.#end();
  }

  #watch(): void {
    this.#disarm ??= this.#parts.clock.after(messageMs, () => this.#judge());
  }

  /** Between two messages there may be any time. */
  #rest(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    if (this.#partBytes > 0) this.#watch();
  }

  #judge(): void {
    this.#disarm = undefined;
    // It is we who keep it waiting.
    if (this.#internals.stream.isPaused()) this.#watch();
    else this.#refuse(late());
  }

  #end(): void {
    this.#isOver = true;
    this.#disarm?.();
    this.#share.giveBack();
    this.#internals.decoder.readPartialMessage = [];
  }
}

function late(): TroupeError {
  const words = `the request took too long to send: ${messageMs} ms in all`;
  return new TroupeError("request-timeout", words);
}
