/* Fastify as all plain routes want it: ids, counts, and failures that are written in one place. */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { DoorSettings } from "../protocol/control.ts";
import { TroupeError, toFailure } from "../protocol/errors.ts";
import { hasBody } from "./body-deadline.ts";
import { formFor } from "./failure-form.ts";
import { sendEarlyFailure, sendFailure } from "./http-answer.ts";
import { type PlainExchangeParts, watchExchange } from "./plain-exchange.ts";
import { requestIdOf } from "./request-head.ts";

export interface PlainServerParts extends PlainExchangeParts {
  readonly settings: DoorSettings;
  /** Whether every answer ends its connection. */
  readonly isDraining: () => boolean;
}

export function plainServer(parts: PlainServerParts): FastifyInstance {
  const app = fastify({
    logger: false,
    genReqId: (request) => requestIdOf(request.headers),
    frameworkErrors: (_error, request, reply) => {
      const [asked, answer] = [
        request as unknown as FastifyRequest,
        reply as unknown as FastifyReply,
      ];
      watchExchange(parts, asked, answer);
      const error = new TroupeError("invalid-request", "the path is not well-formed");
      fail(asked, answer, error, parts);
    },
  });
  app.decorateReply("failure", null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  // On the raw answer, which failures are written on too.
  app.addHook("onRequest", async (request, reply) => {
    watchExchange(parts, request, reply);
    if (parts.isDraining()) reply.raw.setHeader("connection", "close");
  });
  app.addHook("onSend", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.setNotFoundHandler((request, reply) => {
    const words = `no route ${request.method} ${request.url.split("?")[0]}`;
    fail(request, reply, new TroupeError("not-found", words), parts);
  });
  app.setErrorHandler((thrown, request, reply) => fail(request, reply, translate(thrown), parts));
  return app;
}

function translate(error: unknown): TroupeError {
  if (error instanceof TroupeError) return error;
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status >= 400 && status < 500) {
    return new TroupeError("invalid-request", "the request cannot be read", { cause: error });
  }
  return new TroupeError("internal", "internal error", { cause: error });
}

/** Past Fastify's own serialisation, so that all failures of all routes are made in one place. */
function fail(
  request: FastifyRequest,
  reply: FastifyReply,
  error: TroupeError,
  { clock, settings }: PlainServerParts,
): void {
  reply.hijack();
  reply.failure = toFailure(error);
  const form = formFor(request.raw.url, settings.compatTriton);
  const answer = { failure: reply.failure, requestId: String(request.id), form };
  const isRead = !hasBody(request.raw) || request.raw.complete;
  if (isRead) sendFailure(reply.raw, { ...answer, keepAlive: true });
  // The rest of the body is on its way, and may be large.
  else sendEarlyFailure(reply.raw, answer, clock);
}
