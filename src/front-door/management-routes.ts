/* What runs, and how it is changed: each route puts one question to the supervisor and passes its words on. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../platform/clock.ts";
import type { DoorEvent, DoorSettings } from "../protocol/control.ts";
import { TroupeError } from "../protocol/errors.ts";
import type { ModelChange, Question } from "../protocol/questions.ts";
import { inviteBody, readObject } from "./json-request.ts";
import { guardOf } from "./management-guard.ts";
import { nexusUpload } from "./neighbours/model-nexus.ts";
import { checkName, checkVersion, knownName } from "./plain-name.ts";
import type { AskSupervisor } from "./queries.ts";
import { changeWaiting, takeUpload } from "./upload.ts";
import { uploadUrl, uploadUrls } from "./upload-form.ts";

export interface ManagementParts {
  readonly clock: Clock;
  readonly settings: DoorSettings;
  readonly ask: AskSupervisor;
  readonly tell: (event: DoorEvent) => unknown;
}

const modelUrl = "/models/:model";
const versionUrl = "/models/:model/versions/:version";
const actions = ["load", "unload", "restart"] as const;

interface Params {
  readonly model: string;
  readonly version?: string;
}

type ModelRequest = FastifyRequest<{ Params: Params }>;
type AnyRequest = Pick<FastifyRequest, "raw" | "query">;

export function addManagement(app: FastifyInstance, parts: ManagementParts): void {
  addViews(app, parts);
  addChanges(app, parts);
  addUploads(app, parts);
}

function addViews(app: FastifyInstance, { ask }: ManagementParts): void {
  const view = async (reply: FastifyReply, question: Question) => sendJson(reply, ask(question));
  app.get("/models", async (request, reply) => {
    const isBare = isArrayWanted(queryOf(request, ["format"]));
    const text = await view(reply, { type: "models" });
    return isBare
      ? JSON.stringify((JSON.parse(text) as { readonly models: unknown }).models)
      : text;
  });
  app.get<{ Params: Params }>(modelUrl, ({ params }, reply) =>
    view(reply, { type: "model", model: knownName("model", params.model) }),
  );
  app.get<{ Params: Params }>(`${modelUrl}/config`, ({ params }, reply) =>
    view(reply, { type: "config", model: knownName("model", params.model) }),
  );
  app.get<{ Params: Params }>(versionUrl, ({ params }, reply) => {
    const version = knownName("version", params.version ?? "");
    return view(reply, { type: "version", model: knownName("model", params.model), version });
  });
}

function addChanges(app: FastifyInstance, parts: ManagementParts): void {
  const guarded = { onRequest: guardOf(parts.settings) };
  const change = async (id: string, reply: FastifyReply, wanted: ModelChange) =>
    sendJson(reply, parts.ask({ type: "change", change: wanted, requestId: id }, changeWaiting));
  for (const type of actions) {
    app.post<{ Params: Params }>(`${modelUrl}/${type}`, guarded, (request, reply) => {
      const { version } = queryOf(request, ["version"]);
      return change(request.id, reply, {
        type,
        ...target({ model: request.params.model, version }),
      });
    });
  }
  app.patch<{ Params: Params }>(modelUrl, guarded, async (request, reply) => {
    const { model } = target(request.params);
    const patch = await readObject(request, reply);
    return change(request.id, reply, { type: "patch", model, patch });
  });
  const remove = ({ id, params }: ModelRequest, reply: FastifyReply) =>
    change(id, reply, { type: "delete", ...target(params) });
  app.delete<{ Params: Params }>(modelUrl, guarded, remove);
  app.delete<{ Params: Params }>(versionUrl, guarded, remove);
}

function addUploads(app: FastifyInstance, parts: ManagementParts): void {
  const guarded = { onRequest: guardOf(parts.settings) };
  const { maxUploadBytes } = parts.settings;
  for (const url of uploadUrls) {
    app.post(url, guarded, async (request, reply) => {
      const query = queryOf(request, ["id", "name", "version"]);
      const invite = () => inviteBody(request, reply);
      const own = { ...parts, maxUploadBytes, requestId: request.id };
      const body = await takeUpload(own, request.raw, query, invite);
      reply.code(201);
      return sendJson(reply, url === uploadUrl ? nexusUpload(body) : body);
    });
  }
}

/** As the AI Inference Backend Platform has the list of models. Throws `invalid-request`. */
function isArrayWanted({ format }: Readonly<Record<string, string>>): boolean {
  if (format === undefined || format === "array") return format === "array";
  throw new TroupeError("invalid-request", `format must be array, got '${format}'`);
}

async function sendJson(reply: FastifyReply, body: string | Promise<string>): Promise<string> {
  const text = await body;
  reply.type("application/json");
  return text;
}

function target({
  model,
  version,
}: {
  readonly model: string;
  readonly version?: string | undefined;
}) {
  return {
    model: checkName("model", model),
    version: version === undefined ? null : checkVersion("version", version),
  };
}

/** Throws `invalid-request` for what it does not know: a misspelt `version` would else mean all of them. */
export function queryOf(
  { query }: AnyRequest,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const given = Object.entries(query as Readonly<Record<string, unknown>>);
  for (const [name, value] of given) {
    if (!names.includes(name)) {
      const words = `unknown parameter '${name}' in the query; known ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`;
      throw new TroupeError("invalid-request", words);
    }
    if (typeof value !== "string") {
      throw new TroupeError("invalid-request", `${name} was given twice`);
    }
  }
  return Object.fromEntries(given) as Readonly<Record<string, string>>;
}
