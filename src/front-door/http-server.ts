/* The HTTP server on the listening handle that the supervisor passes: its limits, and how it is drained. */
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../platform/clock.ts";
import type { Failure } from "../protocol/errors.ts";
import { watchBody } from "./body-deadline.ts";
import { type FailureForm, troupeForm } from "./failure-form.ts";
import { rawFailure } from "./http-answer.ts";
import { OpenPort } from "./open-port.ts";
import type { PlainHandler } from "./predict-route.ts";
import { newRequestId } from "./request-head.ts";

const headersMs = 5_000;
const requestMs = 30_000;
const checkEveryMs = 1_000;
/** Longer than the minute of the usual load balancers, so that it is they who close. */
const keepAliveMs = 65_000;
const maxHeaderBytes = 16_384;
export class HttpServer {
  readonly server: Server;
  readonly #port: OpenPort;
  #active = 0;
  #isDraining = false;
  #onQuiet: (() => void) | undefined;
  /** Answers that have stood behind another on their connection. */
  readonly #behind = new WeakMap<Socket, Set<ServerResponse>>();

  constructor(clock: Clock, hot: PlainHandler, other: RequestListener) {
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
    this.#port = new OpenPort(this.server, clock);
    this.server.on("checkContinue", listener);
    this.server.on("clientError", answerClientError);
  }

  listen(handle: unknown): Promise<number> {
    return this.#port.listen(handle);
  }

  /** Answers end their connection from now on. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  get isBusy(): boolean {
    return this.#active > 0;
  }

  /**
   * Closes the port; connections end with their next answer, idle ones after a grace.
   */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await this.#port.close();
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve;
      });
    }
    this.server.closeAllConnections();
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
  const form: FailureForm = (...said) => {
    const written = troupeForm(...said);
    return { ...written, status: failure.status ?? written.status };
  };
  socket.end(rawFailure(failure, newRequestId(), form));
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
