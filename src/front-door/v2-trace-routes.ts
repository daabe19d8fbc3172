/* Shows and changes which requests are traced, and shows their traces: the supervisor has both. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { TraceChange } from "../protocol/traces.ts";
import { readFields } from "./json-request.ts";
import { guardOf } from "./management-guard.ts";
import { type ManagementParts, queryOf } from "./management-routes.ts";
import type { Tracer } from "./tracer.ts";
import { traceChangeOf } from "./v2-trace.ts";
import { changeTracing, type TraceSettingParts } from "./v2-trace-change.ts";

export interface TraceParts extends Pick<ManagementParts, "settings">, TraceSettingParts {
  readonly tracer: Tracer;
}

interface Params {
  readonly model?: string;
}

type TraceRequest = FastifyRequest<{ Params: Params }>;

export function addV2Trace(app: FastifyInstance, parts: TraceParts): void {
  const { settings, ask, tracer, directory } = parts;
  const settingOf = ({ params: { model } }: TraceRequest, change: TraceChange) =>
    changeTracing(parts, model ?? null, change);
  const changed = async (request: TraceRequest, reply: FastifyReply) =>
    settingOf(request, traceChangeOf(await readFields(request, reply)));
  for (const url of ["/v2/trace/setting", "/v2/models/:model/trace/setting"]) {
    app.get<{ Params: Params }>(url, (request) => settingOf(request, {}));
    app.post<{ Params: Params }>(url, { onRequest: guardOf(settings) }, changed);
  }
  app.get("/v2/trace", async (request, reply) => {
    const { model = null } = queryOf(request, ["model"]);
    if (model !== null) directory.model(model);
    tracer.flush();
    const text = await ask({ type: "traces", model });
    reply.type("application/json");
    return text;
  });
}
