/* What runs, and how it is changed: each route puts one question to the supervisor and passes its words on. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../platform/clock.ts";
import type { DoorEvent, DoorSettings } from "../protocol/control.ts";
import { TroupeError } from "../protocol/errors.ts";
import { isName } from "../protocol/model-name.ts";
import { type ModelChange, maxConfigBytes, type Question } from "../protocol/questions.ts";
import { askOf, judgeManagement } from "./management-guard.ts";
import { checkName, checkVersion } from "./plain-name.ts";
import type { AskSupervisor } from "./queries.ts";
import { declaredLength, readText } from "./request-body.ts";
import { changeWaiting, takeUpload } from "./upload.ts";
import { uploadUrls } from "./upload-form.ts";

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
  app.get("/models", (_request, reply) => view(reply, { type: "models" }));
  app.get<{ Params: Params }>(modelUrl, ({ params }, reply) =>
    view(reply, { type: "model", model: known("model", params.model) }),
  );
  app.get<{ Params: Params }>(`${modelUrl}/config`, ({ params }, reply) =>
    view(reply, { type: "config", model: known("model", params.model) }),
  );
  app.get<{ Params: Params }>(versionUrl, ({ params }, reply) => {
    const version = known("version", params.version ?? "");
    return view(reply, { type: "version", model: known("model", params.model), version });
  });
}

function addChanges(app: FastifyInstance, parts: ManagementParts): void {
  const guarded = { onRequest: guard(parts) };
  const change = async (reply: FastifyReply, wanted: ModelChange) =>
    sendJson(reply, parts.ask({ type: "change", change: wanted }, changeWaiting));
  for (const type of actions) {
    app.post<{ Params: Params }>(`${modelUrl}/${type}`, guarded, (request, reply) => {
      const { version } = queryOf(request, ["version"]);
      return change(reply, { type, ...target({ model: request.params.model, version }) });
    });
  }
  app.patch<{ Params: Params }>(modelUrl, guarded, async (request, reply) => {
    const { model } = target(request.params);
    return change(reply, { type: "patch", model, patch: await readPatch(request, reply) });
  });
  const remove = ({ params }: ModelRequest, reply: FastifyReply) =>
    change(reply, { type: "delete", ...target(params) });
  app.delete<{ Params: Params }>(modelUrl, guarded, remove);
  app.delete<{ Params: Params }>(versionUrl, guarded, remove);
}

function addUploads(app: FastifyInstance, parts: ManagementParts): void {
  const guarded = { onRequest: guard(parts) };
  const { maxUploadBytes } = parts.settings;
  for (const url of uploadUrls) {
    app.post(url, guarded, async (request, reply) => {
      const query = queryOf(request, ["id", "name", "version"]);
      const invite = () => inviteBody(request, reply);
      const body = await takeUpload({ ...parts, maxUploadBytes }, request.raw, query, invite);
      reply.code(201);
      return sendJson(reply, body);
    });
  }
}

/** Before anything of the body is read. */
function guard({ settings }: ManagementParts) {
  return async ({ raw }: FastifyRequest): Promise<void> => {
    const refusal = judgeManagement(askOf(raw.headers, settings));
    if (refusal !== undefined) throw refusal;
  };
}

async function sendJson(reply: FastifyReply, body: string | Promise<string>): Promise<string> {
  const text = await body;
  reply.type("application/json");
  return text;
}

/** What is no name at all, nobody has. */
function known(field: "model" | "version", name: string): string {
  if (isName(name)) return name;
  throw new TroupeError("model-not-found", `no ${field} is named '${name}'`);
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
function queryOf(
  { query }: AnyRequest,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const given = Object.entries(query as Readonly<Record<string, unknown>>);
  for (const [name, value] of given) {
    if (!names.includes(name)) {
      const words = `unknown parameter '${name}' in the query; known are ${names.join(", ")}`;
      throw new TroupeError("invalid-request", words);
    }
    if (typeof value !== "string") {
      throw new TroupeError("invalid-request", `${name} was given twice`);
    }
  }
  return Object.fromEntries(given) as Readonly<Record<string, string>>;
}

async function readPatch({ raw }: FastifyRequest, reply: FastifyReply): Promise<string> {
  const type = raw.headers["content-type"];
  if (type !== undefined && !/json|x-www-form-urlencoded/i.test(type)) {
    const words = `content-type must be application/json, got '${type}'`;
    throw new TroupeError("unsupported-media-type", words);
  }
  declaredLength(raw, maxConfigBytes);
  inviteBody({ raw }, reply);
  const text = await readText(raw, maxConfigBytes);
  checkObject(text);
  return text;
}

/** The caller may be waiting with its body for this. */
function inviteBody({ raw }: Pick<FastifyRequest, "raw">, reply: FastifyReply): void {
  if (raw.headers.expect !== undefined) reply.raw.writeContinue();
}

function checkObject(text: string): void {
  if (isObject(text)) return;
  throw new TroupeError("invalid-request", "body must be a JSON object");
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
