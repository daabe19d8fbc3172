/* Every route that is not a prediction, on Fastify: health, metadata, metrics, the tree, and those of management. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { DoorSettings } from "../protocol/control.ts";
import { TroupeError } from "../protocol/errors.ts";
import * as answers from "./answer-schemas.ts";
import type { Directory } from "./directory.ts";
import { addDocsPage } from "./docs-page.ts";
import { offWords } from "./management-guard.ts";
import { addManagement, type ManagementParts } from "./management-routes.ts";
import { metadataJson, modelJson } from "./model-json.ts";
import { neighbourRoutes } from "./neighbours/body-routes.ts";
import { modelsLoaded } from "./neighbours/inference-platform.ts";
import { infoUrl } from "./neighbours/model-nexus.ts";
import { platformMetrics, wantsJson } from "./neighbours/platform-metrics.ts";
import { addNeighbours } from "./neighbours/routes.ts";
import { loadedModels, workersOf } from "./neighbours/schwift-serve.ts";
import { addOpenApi } from "./openapi-route.ts";
import type { PlainExchangeParts } from "./plain-exchange.ts";
import { plainServer } from "./plain-server.ts";
import { predictEndpoints } from "./predict-path.ts";
import { judgeModel, judgeServer, type Readiness } from "./readiness.ts";
import type { Tracer } from "./tracer.ts";
import { uploadUrl } from "./upload-form.ts";
import { extensions } from "./v2-extensions.ts";
import { addV2Logging } from "./v2-logging-routes.ts";
import { addV2Refusals } from "./v2-refusals.ts";
import { addV2Repository } from "./v2-repository-routes.ts";
import { addV2Statistics } from "./v2-statistics-routes.ts";
import { addV2Trace } from "./v2-trace-routes.ts";

export interface PlainRouteParts extends ManagementParts, PlainExchangeParts {
  readonly tracer: Tracer;
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
type ReadyRequest = FastifyRequest<{ Querystring: { model?: string } }>;
type Answer = unknown | Promise<unknown>;
type Handler<Request> = (request: Request, reply: FastifyReply) => Answer;

const modelParams = {
  type: "object",
  properties: { model: { type: "string" }, version: { type: "string" } },
} as const;
const readyQuery = { type: "object", properties: { model: { type: "string" } } } as const;

const alwaysReady: Readiness = { ready: true, reasons: [] };

/** Verbs that get 405 where the path is one of ours. */
const verbs = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** The server is listened on elsewhere. */
export function plainRoutes(parts: PlainRouteParts): FastifyInstance {
  const app = plainServer(parts);
  const verbsOf = new Map<string, readonly string[]>();
  app.addHook("onRoute", ({ url, method }) => {
    const known = verbsOf.get(url) ?? [];
    verbsOf.set(url, [...known, ...[method].flat().filter((verb) => verb !== "HEAD")]);
  });
  addRoutes(app, parts);
  refuseOtherVerbs(app, new Map(verbsOf));
  return app;
}

function addRoutes(app: FastifyInstance, parts: PlainRouteParts): void {
  addOpenApi(app, parts);
  addDocsPage(app);
  addHealth(app, parts);
  addV2(app, parts);
  addOperations(app, parts);
  addManagement(app, parts);
  addV2Extensions(app, parts);
  addSigns(app, parts);
  addNeighbours(app, parts);
}

function addV2Extensions(app: FastifyInstance, parts: PlainRouteParts): void {
  addV2Repository(app, parts);
  addV2Statistics(app, parts);
  addV2Logging(app, parts);
  addV2Trace(app, parts);
  addV2Refusals(app);
}

function addHealth(app: FastifyInstance, parts: PlainRouteParts): void {
  const { directory } = parts;
  const isTriton = parts.settings.compatTriton;
  const ready =
    (send: (reply: FastifyReply, verdict: Readiness) => unknown): Handler<ReadyRequest> =>
    (request, reply) => {
      const { model } = request.query;
      const verdict =
        model === undefined
          ? judgeServer(directory.server, directory.models)
          : judgeModel(directory.server, directory.model(model));
      return send(reply, verdict);
    };
  const live = { schema: { response: answers.liveness } };
  const readyOptions = { schema: { querystring: readyQuery, response: answers.serverReadiness } };
  app.get("/livez", live, () => ({ live: true }));
  app.get("/v2/health/live", live, (_request, reply) =>
    isTriton ? tellTriton(reply, alwaysReady) : { live: true },
  );
  app.get("/readyz", readyOptions, ready(sendReadiness));
  app.get("/v2/health/ready", readyOptions, ready(isTriton ? tellTriton : sendReadiness));
  app.get("/health", { schema: { response: answers.health } }, () => describeHealth(parts));
}

function sendReadiness(reply: FastifyReply, { ready, reasons }: Readiness): unknown {
  reply.code(ready ? 200 : 503);
  return { ready, live: true, reasons };
}

/** No body where all is well, and 400 where it is not. */
function tellTriton(reply: FastifyReply, { ready }: Readiness, error?: string): FastifyReply {
  reply.hijack();
  const body = ready || error === undefined ? "" : JSON.stringify({ error });
  const type = body === "" ? {} : { "content-type": "application/json" };
  const headers = { ...type, "x-request-id": String(reply.request.id) };
  reply.raw.writeHead(ready ? 200 : 400, { ...headers, "content-length": body.length });
  reply.raw.end(body);
  return reply;
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
    loaded_models: loadedModels(directory.models),
    max_workers: workersOf(directory.models),
    models_loaded: modelsLoaded(directory.models),
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
    if (settings.compatTriton) return tellTriton(reply, verdict, "Model version not ready");
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
    see: ["/health", "/v2/models", "/models", "/supervisor", "/metrics", "/openapi.json", "/docs"],
  }));
  for (const url of socketUrls) {
    app.get(url, (request, reply) => {
      reply.raw.setHeader("upgrade", "websocket");
      const words = `${request.url.split("?")[0]} is a WebSocket: ask for an upgrade`;
      throw new TroupeError("invalid-request", words);
    });
  }
}

const socketUrls = [
  "/ws",
  "/events",
  "/v2/models/:model/stream",
  "/v2/models/:model/versions/:version/stream",
];

function addOperations(app: FastifyInstance, parts: PlainRouteParts): void {
  const { ask } = parts;
  app.get("/supervisor", async (_request, reply) => {
    reply.type("application/json");
    return ask({ type: "tree" });
  });
  app.get("/metrics", async ({ headers }, reply) => {
    reply.header("vary", "accept");
    if (wantsJson(headers.accept)) return platformMetrics(await ask({ type: "metrics" }), parts);
    reply.type("text/plain; version=0.0.4; charset=utf-8");
    return ask({ type: "metrics" });
  });
}

function refuseOtherVerbs(
  app: FastifyInstance,
  verbsOf: ReadonlyMap<string, readonly string[]>,
): void {
  const predictUrls = [...Object.values(predictEndpoints).flat(), ...neighbourRoutes.keys()].map(
    (endpoint) => endpoint.replace(/\{(\w+)\}/g, ":$1"),
  );
  for (const [url, taken] of verbsOf)
    if (url !== uploadUrl && url !== infoUrl) refuse(app, url, taken);
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
      throw new TroupeError("method-not-allowed", words);
    },
  });
}
