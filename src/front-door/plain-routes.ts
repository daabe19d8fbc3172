/* Every route that is not a prediction, on Fastify: health, metadata, metrics, the tree, and those of management. */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { DoorSettings } from "../protocol/control.ts";
import { TroupeError, toFailure } from "../protocol/errors.ts";
import * as answers from "./answer-schemas.ts";
import { hasBody } from "./body-deadline.ts";
import type { Directory } from "./directory.ts";
import { sendEarlyFailure, sendFailure } from "./http-answer.ts";
import { offWords } from "./management-guard.ts";
import { addManagement, type ManagementParts } from "./management-routes.ts";
import { metadataJson, modelJson } from "./model-json.ts";
import { type PlainExchangeParts, watchExchange } from "./plain-exchange.ts";
import { predictEndpoints } from "./predict-path.ts";
import { judgeModel, judgeServer, type Readiness } from "./readiness.ts";
import { requestIdOf } from "./request-head.ts";
import { uploadUrl } from "./upload-form.ts";
import { extensions } from "./v2-extensions.ts";
import { addV2Logging } from "./v2-logging-routes.ts";
import { addV2Refusals } from "./v2-refusals.ts";
import { addV2Repository } from "./v2-repository-routes.ts";
import { addV2Statistics } from "./v2-statistics-routes.ts";

export interface PlainRouteParts extends ManagementParts, PlainExchangeParts {
  readonly settings: DoorSettings;
  readonly directory: Directory;
  /** Whether every answer ends its connection. */
  readonly isDraining: () => boolean;
}

interface ModelParams {
  readonly model: string;
  readonly version?: string;
}

type ModelRequest = FastifyRequest<{ Params: ModelParams }>;
type Answer = unknown | Promise<unknown>;
type Handler<Request> = (request: Request, reply: FastifyReply) => Answer;

const modelParams = {
  type: "object",
  properties: { model: { type: "string" }, version: { type: "string" } },
} as const;
const readyQuery = { type: "object", properties: { model: { type: "string" } } } as const;
/** Verbs that get 405 where the path is one of ours. */
const verbs = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** `server` makes the server that Fastify answers for; it is listened on elsewhere. */
export function plainRoutes(parts: PlainRouteParts): FastifyInstance {
  const app = fastify({
    logger: false,
    genReqId: (request) => requestIdOf(request.headers),
    frameworkErrors: (_error, request, reply) => {
      const plain = reply as unknown as FastifyReply;
      watchExchange(parts, request as unknown as FastifyRequest, plain);
      const error = new TroupeError("invalid-request", "the path is not well-formed");
      fail(plain, error, String(request.id));
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
    fail(reply, new TroupeError("not-found", words), request.id);
  });
  app.setErrorHandler((thrown, request, reply) => {
    const error = translate(thrown);
    if (!hasBody(request.raw) || request.raw.complete) fail(reply, error, request.id);
    else failEarly(reply, error, request.id, parts);
  });
  const verbsOf = new Map<string, readonly string[]>();
  app.addHook("onRoute", ({ url, method }) => {
    const known = verbsOf.get(url) ?? [];
    verbsOf.set(url, [...known, ...[method].flat().filter((verb) => verb !== "HEAD")]);
  });
  addHealth(app, parts);
  addV2(app, parts);
  addOperations(app, parts);
  addManagement(app, parts);
  addV2Repository(app, parts);
  addV2Statistics(app, parts);
  addV2Logging(app, parts);
  addV2Refusals(app);
  addSigns(app, parts);
  refuseOtherVerbs(app, new Map(verbsOf));
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
function fail(reply: FastifyReply, error: TroupeError, requestId: string): void {
  reply.hijack();
  reply.failure = toFailure(error);
  sendFailure(reply.raw, reply.failure, requestId, true);
}

/** The rest of the body is on its way, and may be large. */
function failEarly(
  reply: FastifyReply,
  error: TroupeError,
  requestId: string,
  { clock }: PlainRouteParts,
): void {
  reply.hijack();
  reply.failure = toFailure(error);
  sendEarlyFailure(reply.raw, reply.failure, requestId, clock);
}

function addHealth(app: FastifyInstance, parts: PlainRouteParts): void {
  const { directory } = parts;
  const ready: Handler<FastifyRequest<{ Querystring: { model?: string } }>> = (request, reply) => {
    const { model } = request.query;
    const verdict =
      model === undefined
        ? judgeServer(directory.server, directory.models)
        : judgeModel(directory.server, directory.model(model));
    return sendReadiness(reply, verdict);
  };
  const live = { schema: { response: answers.liveness } };
  const readyOptions = { schema: { querystring: readyQuery, response: answers.serverReadiness } };
  app.get("/livez", live, () => ({ live: true }));
  app.get("/v2/health/live", live, () => ({ live: true }));
  app.get("/readyz", readyOptions, ready);
  app.get("/v2/health/ready", readyOptions, ready);
  app.get("/health", { schema: { response: answers.health } }, () => describeHealth(parts));
}

function sendReadiness(reply: FastifyReply, { ready, reasons }: Readiness): unknown {
  reply.code(ready ? 200 : 503);
  return { ready, live: true, reasons };
}

function describeHealth({ directory, settings, clock }: PlainRouteParts): unknown {
  const { ready, reasons } = judgeServer(directory.server, directory.models);
  return {
    status: ready && reasons.length === 0 ? "ok" : "degraded",
    reasons,
    changes_refused: whyUnchanging(directory, settings),
    version: settings.version,
    uptime_seconds: Math.round((clock.wall() - settings.startedAt) / 1_000),
    timestamp: new Date(clock.wall()).toISOString(),
    models: directory.models.map(modelJson),
  };
}

/** What the answer to a change would be, whichever it is; null where it depends. */
function whyUnchanging({ server }: Directory, { management }: DoorSettings): string | null {
  return management === "off" ? offWords : server.changesRefused;
}

function addV2(app: FastifyInstance, parts: PlainRouteParts): void {
  const { directory, settings } = parts;
  const { serverName: name, version } = settings;
  const described = { schema: { params: modelParams, response: answers.modelMetadata } };
  const judged = { schema: { params: modelParams, response: answers.modelReadiness } };
  const listed = { schema: { response: answers.modelList } };
  const metadata: Handler<ModelRequest> = ({ params }) => {
    const found = directory.find(params.model, params.version);
    return metadataJson(found.model, found.version);
  };
  const ready: Handler<ModelRequest> = ({ params }, reply) => {
    const model = directory.model(params.model);
    const asked =
      params.version === undefined
        ? undefined
        : directory.find(params.model, params.version).version;
    const verdict = judgeModel(directory.server, model, asked);
    reply.code(verdict.ready ? 200 : 503);
    return { name: params.model, ready: verdict.ready, reasons: verdict.reasons };
  };
  app.get("/v2", { schema: { response: answers.serverMetadata } }, () => ({
    name,
    version,
    extensions,
  }));
  app.get("/v2/models", listed, () => ({ models: directory.models.map(modelJson) }));
  app.get("/v2/models/:model", described, metadata);
  app.get("/v2/models/:model/versions/:version", described, metadata);
  app.get("/v2/models/:model/ready", judged, ready);
  app.get("/v2/models/:model/versions/:version/ready", judged, ready);
}

/** What a person or a client is told that comes to the wrong door. */
function addSigns(app: FastifyInstance, { settings }: PlainRouteParts): void {
  const { serverName: name, version } = settings;
  app.get("/", () => ({
    name,
    version,
    see: ["/health", "/v2/models", "/models", "/supervisor", "/metrics"],
  }));
  for (const url of socketUrls) {
    app.get(url, (request, reply) => {
      reply.raw.setHeader("upgrade", "websocket");
      const words = `${request.url.split("?")[0]} is a WebSocket: ask for an upgrade`;
      fail(reply, new TroupeError("invalid-request", words), request.id);
    });
  }
}

const socketUrls = [
  "/ws",
  "/events",
  "/v2/models/:model/stream",
  "/v2/models/:model/versions/:version/stream",
];

function addOperations(app: FastifyInstance, { ask }: PlainRouteParts): void {
  app.get("/supervisor", async (_request, reply) => {
    reply.type("application/json");
    return ask({ type: "tree" });
  });
  app.get("/metrics", async (_request, reply) => {
    reply.type("text/plain; version=0.0.4; charset=utf-8");
    return ask({ type: "metrics" });
  });
}

function refuseOtherVerbs(
  app: FastifyInstance,
  verbsOf: ReadonlyMap<string, readonly string[]>,
): void {
  const predictUrls = Object.values(predictEndpoints)
    .flat()
    .map((endpoint) => endpoint.replace(/\{(\w+)\}/g, ":$1"));
  for (const [url, taken] of verbsOf) if (url !== uploadUrl) refuse(app, url, taken);
  for (const url of predictUrls) refuse(app, url, ["POST"]);
}

function refuse(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  const method = verbs.filter((verb) => !allowed.includes(verb));
  app.route({
    method,
    url,
    handler: (request, reply) => {
      reply.raw.setHeader("allow", allowed.join(", "));
      const words = `${url.replace(/:(\w+)/g, "{$1}")} takes ${allowed.join(", ")}, got ${request.method}`;
      fail(reply, new TroupeError("method-not-allowed", words), request.id);
    },
  });
}
