/* The HTTP server on the listening handle that the supervisor passes: its limits, and how it is drained. */
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../platform/clock.ts";
import type { Failure } from "../protocol/errors.ts";
import { watchBody } from "./body-deadline.ts";
import { rawFailure } from "./http-answer.ts";
import type { PlainHandler } from "./predict-route.ts";
import { newRequestId } from "./request-head.ts";

const headersMs = 5_000;
const requestMs = 30_000;
const checkEveryMs = 1_000;
/** Longer than the minute of the usual load balancers, so that it is they who close. */
const keepAliveMs = 65_000;
const maxHeaderBytes = 16_384;
/** Closing a port resets whoever has knocked and was not let in yet; this long the last of them are. */
const lastCallersMs = 30;
/** Callers who come one behind the other do not keep the port open. */
const mostLooks = 100;
/** A connection that stays idle this long after the port has closed has no request on its way. */
const idleGraceMs = 250;

export class HttpServer {
  readonly server: Server;
  readonly #clock: Clock;
  #active = 0;
  /** All that were ever let in. */
  #callers = 0;
  #isDraining = false;
  #onQuiet: (() => void) | undefined;
  /** Answers that have stood behind another on their connection. */
  readonly #behind = new WeakMap<Socket, Set<ServerResponse>>();

  constructor(clock: Clock, hot: PlainHandler, other: RequestListener) {
    this.#clock = clock;
    const listener: RequestListener = (request, response) => {
      const { socket } = request;
      this.#track(socket, response);
      watchBody(request, clock, requestMs, () => answerClientError(lateBody, socket));
      if (!hot(request, response)) other(request, response);
    };
    this.server = createServer(
      {
        headersTimeout: headersMs,
        // Each body has a limit of its own, which uploads may outlast.
        requestTimeout: 0,
        connectionsCheckingInterval: checkEveryMs,
        keepAliveTimeout: keepAliveMs,
        maxHeaderSize: maxHeaderBytes,
        noDelay: true,
      },
      listener,
    );
    this.server.on("connection", () => {
      this.#callers += 1;
    });
    this.server.on("checkContinue", listener);
    this.server.on("clientError", answerClientError);
  }

  listen(handle: unknown): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(handle, () => {
        const address = this.server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  /** Answers end their connection from now on. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Closes the port; connections end with their next answer, idle ones after a grace. `server.close()` would end idle
   * ones at once, and with them requests that are on their way.
   */
  async drain(): Promise<void> {
    this.#isDraining = true;
    takeNoneBehind(this.server);
    await this.#pause(lastCallersMs);
    await this.#letIn();
    NetServer.prototype.close.call(this.server);
    await this.#pause(idleGraceMs);
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve;
      });
    }
    this.server.closeAllConnections();
  }

  /** A process that was not run for a while has not looked who knocked, however late it is: it looks until nobody does. */
  async #letIn(): Promise<void> {
    for (let looks = 0; looks < mostLooks; looks += 1) {
      const before = this.#callers;
      await nextLook();
      if (this.#callers === before) return;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }

  #track(socket: Socket, response: ServerResponse): void {
    this.#active += 1;
    response.on("close", this.#onClose);
    if (response.socket === null) this.#follow(socket, response);
  }

  /**
   * Of pipelined requests, Node tells only the one whose turn it is that the connection has ended: those behind it would
   * never close, and never give back what they hold.
   */
  #follow(socket: Socket, response: ServerResponse): void {
    const behind = this.#behind.get(socket) ?? this.#openBehind(socket);
    behind.add(response);
    response.on("close", () => behind.delete(response));
  }

  #openBehind(socket: Socket): Set<ServerResponse> {
    const behind = new Set<ServerResponse>();
    this.#behind.set(socket, behind);
    socket.on("close", () => {
      for (const response of behind) if (response.socket === null) response.emit("close");
    });
    return behind;
  }

  readonly #onClose = () => {
    this.#active -= 1;
    if (this.#active === 0) this.#onQuiet?.();
  };
}

/** Resolves when the event loop has polled all its sockets once more: the first turn may have polled already. */
async function nextLook(): Promise<void> {
  await turn();
  await turn();
}

interface Internals {
  readonly _handle: { listen(backlog: number): number } | null;
}

/** Without a backlog the kernel leaves newcomers to knock again, and then finds the port closed. */
function takeNoneBehind(server: Server): void {
  const { _handle: handle } = server as unknown as Internals;
  handle?.listen(0);
}

const lateBody = { code: "ERR_HTTP_REQUEST_TIMEOUT" };

/** What Node's parser refuses gets our own words too. */
function answerClientError(error: { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  if (isAnswering(socket)) {
    socket.destroySoon();
    return;
  }
  const failure = failureOf(error.code);
  // Else a caller that goes on sending would keep it half open.
  socket.once("finish", () => socket.destroy());
  socket.end(rawFailure(failure, newRequestId(), failure.status));
}

/** A second head in the midst of an answer would be taken for a part of its body. */
function isAnswering(socket: Socket): boolean {
  const { _httpMessage: message } = socket as { readonly _httpMessage?: ServerResponse | null };
  return message?.headersSent === true;
}

function failureOf(code: string | undefined): Failure & { readonly status?: number } {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return {
        code: "request-timeout",
        message: `the request took too long to send: ${headersMs} ms for its head, ${requestMs} ms in all`,
      };
    case "HPE_HEADER_OVERFLOW": {
      const message = `headers must be at most ${maxHeaderBytes} bytes`;
      return { code: "payload-too-large", message, status: 431 };
    }
    default:
      return { code: "invalid-request", message: "the request is not well-formed HTTP" };
  }
}
