/* The AI Backend's routes beside predictions: the log of a model's hosts, and models of kinds that are not built. */
import type { FastifyInstance, FastifyReply } from "fastify";
import { TroupeError } from "../../protocol/errors.ts";
import { guardOf } from "../management-guard.ts";
import type { ManagementParts } from "../management-routes.ts";
import { knownName } from "../plain-name.ts";
import { backendPredictUrls } from "./ai-backend.ts";

interface Query {
  readonly id?: string | readonly string[];
  readonly type?: string | readonly string[];
  readonly version?: string | readonly string[];
}

const kinds = ["httpmodel", "subprocessmodel"];

export function addAiBackend(
  app: FastifyInstance,
  { ask, settings }: Pick<ManagementParts, "ask" | "settings">,
): void {
  const guarded = { onRequest: guardOf(settings) };
  const logs = async (reply: FastifyReply, query: Query, clear: boolean) => {
    reply.type("application/json");
    return ask({ type: "logs", model: knownName("model", idOf(query)), clear });
  };
  app.get<{ Querystring: Query }>("/get/getlogs", ({ query }, reply) => logs(reply, query, false));
  // By POST alone, wherever its clients look for it: a GET must not delete.
  for (const url of ["/post/cleanlogs", "/get/cleanlogs"]) {
    app.post<{ Querystring: Query }>(url, guarded, ({ query }, reply) => logs(reply, query, true));
  }
  app.post<{ Querystring: Query }>("/post/addmodel", guarded, ({ query }) => {
    idOf(query);
    throw refuseKind(query.type);
  });
  // With one name they are predictions, and do not come here, but for those that spell the path with escapes.
  for (const url of backendPredictUrls) {
    app.route<{ Querystring: Query }>({
      method: ["GET", "POST"],
      url,
      exposeHeadRoute: false,
      handler: ({ query }) => {
        idOf(query);
        if (Array.isArray(query.version)) throw twoVersions();
        throw new TroupeError("not-found", `predictions have the path ${url}, without escapes`);
      },
    });
  }
}

function idOf({ id }: Query): string {
  if (typeof id === "string" && id !== "") return id;
  const got = id === undefined || id === "" ? "nothing" : "several";
  throw new TroupeError("invalid-request", `id must name the model, in the query, got ${got}`);
}

function twoVersions(): TroupeError {
  return new TroupeError(
    "invalid-request",
    "version must be one version, in the query, got several",
  );
}

function refuseKind(type: Query["type"]): TroupeError {
  if (typeof type === "string" && kinds.includes(type)) {
    const words = `models of type '${type}' are not built yet; POST /models takes models of ONNX`;
    return new TroupeError("not-implemented", words);
  }
  const words = `type must be one of ${kinds.join(", ")}, got ${JSON.stringify(type) ?? "nothing"}`;
  return new TroupeError("invalid-request", words);
}
