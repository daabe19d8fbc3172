/* Requests of a stream that have no answer yet. It owns how often each was asked, and on which connection. */
import { TroupeClientError } from "./client-error.ts";
import type { Message, Socket } from "./platform.ts";

interface Unanswered {
  readonly message: Message;
  hasChunks: boolean;
  isCancelled: boolean;
  /** Connections on which it was asked. */
  asks: number;
  /** The last of them. */
  askedOn: Socket | undefined;
}

/** One that breaks every connection on which it stands would otherwise be asked for ever. */
const mostAsks = 4;

export interface GivenUp {
  readonly id: number;
  readonly error: TroupeClientError;
}

export class UnansweredRequests {
  readonly #requests = new Map<number, Unanswered>();

  get size(): number {
    return this.#requests.size;
  }

  add(id: number, message: Message): void {
    const request = { message, hasChunks: false, isCancelled: false, asks: 0, askedOn: undefined };
    this.#requests.set(id, request);
  }

  delete(id: number): void {
    this.#requests.delete(id);
  }

  noteChunk(id: number): void {
    const request = this.#requests.get(id);
    if (request !== undefined) request.hasChunks = true;
  }

  /** Each once on one connection. */
  askOn(socket: Socket): void {
    for (const request of this.#requests.values()) {
      if (request.askedOn === socket) continue;
      request.askedOn = socket;
      request.asks += 1;
      socket.send(request.message);
    }
  }

  /** It is not asked again. One that stands on no connection is over, and the server of the others has to be told. */
  cancel(id: number, socket: Socket | undefined): "tell-server" | "over" | "unknown" {
    const request = this.#requests.get(id);
    if (request === undefined) return "unknown";
    request.isCancelled = true;
    if (socket !== undefined && request.askedOn === socket) return "tell-server";
    this.#requests.delete(id);
    return "over";
  }

  /** Takes out what is not asked on another connection, when the one that there was has ended with that error. */
  giveUp(error: TroupeClientError): readonly GivenUp[] {
    // What never stood on a connection has not broken any.
    const asked = [...this.#requests].filter(([, { asks }]) => asks > 0);
    const largest = Math.max(...asked.map(([, { message }]) => message.length));
    const given = asked.flatMap(([id, request]): readonly GivenUp[] => {
      if (request.isCancelled) return [{ id, error: requestCancelled() }];
      return isHopeless(request, error, largest) ? [{ id, error }] : [];
    });
    for (const { id } of given) this.#requests.delete(id);
    return given;
  }
}

/** An answer of which a part has been given is not begun again in silence. */
function isHopeless(
  { hasChunks, asks, message }: Unanswered,
  { code }: TroupeClientError,
  largest: number,
): boolean {
  if (hasChunks || asks >= mostAsks) return true;
  return code === "payload-too-large" ? message.length === largest : code !== "unreachable";
}

export function requestCancelled(): TroupeClientError {
  return new TroupeClientError("cancelled", "the caller has cancelled it");
}
