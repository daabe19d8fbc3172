/* The one home of ws: which upgrades are taken, and the sessions that live. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { TroupeError, toFailure } from "../protocol/errors.ts";
import type { DoorFeed } from "./door-feed.ts";
import { formFor, troupeForm } from "./failure-form.ts";
import { FeedSocket, feedEndpoint, isFeedPath, parseReplayAsk } from "./feed-sockets.ts";
import { rawFailure } from "./http-answer.ts";
import { askOf, judgeManagement } from "./management-guard.ts";
import type { MessageRoom } from "./message-room.ts";
import { requestIdOf } from "./request-head.ts";
import type { ServingParts } from "./socket-requests.ts";
import { SocketRoom } from "./socket-room.ts";
import { SocketSession } from "./socket-session.ts";
import { checkSamples, matchSocketPath } from "./socket-target.ts";
import type { Wire } from "./tick-cork.ts";

const maxFragments = 128;
const maxBufferedChunks = 4_096;
const closeMs = 5_000;

export interface SocketParts extends ServingParts {
  readonly feed: DoorFeed;
  readonly room: MessageRoom;
}

/** What lives on a socket. */
interface Session {
  drain(): void;
}

/** An upgrade that is taken. */
interface Taken {
  readonly endpoint: string;
  readonly begin: (socket: WebSocket, wire: Wire) => Session;
}

export class WebSockets {
  readonly #parts: SocketParts;
  readonly #server: WebSocketServer;
  readonly #sessions = new Set<Session>();
  #onEmpty: (() => void) | undefined;
  #isDraining = false;

  constructor(parts: SocketParts) {
    this.#parts = parts;
    // The types of ws do not know `closeTimeout` yet.
    const options: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload: parts.settings.wsMaxPayloadBytes,
      perMessageDeflate: false,
      maxFragments,
      maxBufferedChunks,
      closeTimeout: closeMs,
    };
    this.#server = new WebSocketServer(options);
  }

  get count(): number {
    return this.#sessions.size;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    try {
      const { endpoint, begin } = this.#judge(request);
      this.#server.handleUpgrade(request, socket, head, (webSocket) => {
        this.#count(endpoint, 101);
        new SocketRoom(this.#parts, webSocket, socket);
        const session = begin(webSocket, socket);
        this.#sessions.add(session);
        webSocket.on("close", () => this.#forget(session));
        if (this.#isDraining) session.drain();
      });
    } catch (thrown) {
      this.#refuse(request, socket, thrown);
    }
  }

  /** Resolves when every socket has been told 1001 and is closed. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const session of this.#sessions) session.drain();
    if (this.#sessions.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #forget(session: Session): void {
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }

  /** Throws the failure that the caller gets instead of an upgrade. */
  #judge(request: IncomingMessage): Taken {
    const { url = "/" } = request;
    return isFeedPath(url) ? this.#judgeFeed(request, url) : this.#judgeStream(request, url);
  }

  #judgeFeed({ headers }: IncomingMessage, url: string): Taken {
    const refusal = judgeManagement(askOf(headers, this.#parts.settings));
    if (refusal !== undefined) throw refusal;
    const ask = parseReplayAsk(url);
    this.#checkDraining();
    return {
      endpoint: feedEndpoint,
      begin: (socket) => new FeedSocket(this.#parts, socket, ask),
    };
  }

  #judgeStream({ headers }: IncomingMessage, url: string): Taken {
    const target = matchSocketPath(url);
    if (target === undefined) throw new TroupeError("not-found", `no WebSocket at ${url}`);
    checkSamples(url, target);
    this.#checkOrigin(headers.origin);
    this.#checkDraining();
    if (target.model !== undefined) this.#parts.directory.find(target.model, target.version);
    return {
      endpoint: target.endpoint,
      begin: (socket, wire) => new SocketSession(this.#parts, socket, wire, target),
    };
  }

  #checkDraining(): void {
    if (this.#isDraining) throw new TroupeError("draining", "the server is draining");
  }

  /** Only browsers send an origin, and only they can be made to by a page of somebody else. */
  #checkOrigin(origin: string | undefined): void {
    const { allowedOrigins } = this.#parts.settings;
    if (allowedOrigins.length === 0 || origin === undefined) return;
    if (!allowedOrigins.includes(origin)) {
      throw new TroupeError("forbidden", `origin '${origin}' is not among the allowed origins`);
    }
  }

  #refuse(request: IncomingMessage, socket: Duplex, thrown: unknown): void {
    const failure = toFailure(thrown);
    const requestId = requestIdOf(request.headers);
    const form = formFor(request.url, this.#parts.settings.compatTriton) ?? troupeForm;
    this.#count(endpointOf(request.url ?? ""), form(failure, requestId).status);
    // An HTTP server's sockets stay half open, and nothing times an upgrade out.
    socket.once("finish", () => socket.destroy());
    socket.end(rawFailure(failure, requestId, form));
  }

  #count(endpoint: string, status: number): void {
    this.#parts.metrics.route("GET", endpoint, status).requests.add();
  }
}

function endpointOf(url: string): string {
  if (isFeedPath(url)) return feedEndpoint;
  return matchSocketPath(url.split("?")[0] ?? "")?.endpoint ?? "other";
}
