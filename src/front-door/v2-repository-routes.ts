/* Open Inference V2's model repository and model configuration: other words for what `/models` does and shows. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Directory } from "./directory.ts";
import { checkFieldsType, inviteBody, parseFields, readFields } from "./json-request.ts";
import { readLoadBody } from "./load-body.ts";
import { guardOf } from "./management-guard.ts";
import type { ManagementParts } from "./management-routes.ts";
import { pacedBody } from "./paced-body.ts";
import { declaredLength } from "./request-body.ts";
import { checkUploadSize, type UploadParts, uploadPace } from "./upload.ts";
import { askModelConfig } from "./v2-config.ts";
import { loadModel, maxTermsBytes, type ReadLoad, unloadModel } from "./v2-loading.ts";
import { checkUnload, readyOnlyOf, repositoryIndex } from "./v2-repository.ts";

export interface V2RepositoryParts extends ManagementParts {
  readonly directory: Directory;
}

interface Params {
  readonly model: string;
  readonly version?: string;
}

type ModelRequest = FastifyRequest<{ Params: Params }>;

export function addV2Repository(app: FastifyInstance, parts: V2RepositoryParts): void {
  addConfig(app, parts);
  addIndex(app, parts);
  addLoading(app, parts);
}

function addConfig(app: FastifyInstance, { directory, ask }: V2RepositoryParts): void {
  const config = ({ params }: ModelRequest) =>
    askModelConfig(ask, directory.find(params.model, params.version));
  app.get<{ Params: Params }>("/v2/models/:model/config", config);
  app.get<{ Params: Params }>("/v2/models/:model/versions/:version/config", config);
}

function addIndex(app: FastifyInstance, { directory }: V2RepositoryParts): void {
  app.post("/v2/repository/index", async (request, reply) => {
    const readyOnly = readyOnlyOf(await readFields(request, reply));
    return repositoryIndex(directory.models, readyOnly);
  });
}

function addLoading(app: FastifyInstance, parts: V2RepositoryParts): void {
  const { settings, ask } = parts;
  const guarded = { onRequest: guardOf(settings) };
  const url = "/v2/repository/models/:model";
  app.post<{ Params: Params }>(`${url}/load`, guarded, async (request, reply) => {
    const { maxUploadBytes } = settings;
    const uploads = { ...parts, maxUploadBytes, requestId: request.id };
    await loadModel(uploads, request.params.model, readLoad(uploads, request, reply));
    return reply.code(200).send();
  });
  app.post<{ Params: Params }>(`${url}/unload`, guarded, async (request, reply) => {
    checkUnload(await readFields(request, reply));
    await unloadModel(ask, request.params.model, request.id);
    return reply.code(200).send();
  });
}

/** From a body that may be as long as that of an upload. */
function readLoad(parts: UploadParts, request: ModelRequest, reply: FastifyReply): ReadLoad {
  const { clock, maxUploadBytes } = parts;
  return async (takeFile) => {
    checkFieldsType(request);
    checkUploadSize(declaredLength(request.raw, Number.POSITIVE_INFINITY), maxUploadBytes);
    inviteBody(request, reply);
    const onBytes = (bytes: number) => checkUploadSize(bytes, maxUploadBytes);
    const chunks = pacedBody(request.raw, { clock, pace: uploadPace, onBytes });
    return parseFields(await readLoadBody(chunks, takeFile, maxTermsBytes));
  };
}
