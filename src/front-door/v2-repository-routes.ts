/* Open Inference V2's model repository and model configuration: other words for what `/models` does and shows. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { TroupeError } from "../protocol/errors.ts";
import type { Directory } from "./directory.ts";
import { readFields } from "./json-request.ts";
import { guardOf } from "./management-guard.ts";
import type { ManagementParts } from "./management-routes.ts";
import { checkName } from "./plain-name.ts";
import { changeWaiting } from "./upload.ts";
import { modelConfigJson, type WrittenConfig } from "./v2-config.ts";
import { takeLoad } from "./v2-load.ts";
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
  const config = async ({ params }: ModelRequest) => {
    const target = directory.find(params.model, params.version);
    const answer = JSON.parse(await ask({ type: "config", model: target.model.name }));
    return modelConfigJson(target, (answer as { readonly config: WrittenConfig }).config);
  };
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
  const { maxUploadBytes } = settings;
  const guarded = { onRequest: guardOf(settings) };
  const repositoryUrl = "/v2/repository/models/:model";
  app.post<{ Params: Params }>(`${repositoryUrl}/load`, guarded, async (request, reply) => {
    const model = checkName("model", request.params.model);
    await takeLoad({ ...parts, maxUploadBytes }, model, { request, reply }).catch(
      rethrow(`failed to load '${model}'`),
    );
    return reply.code(200).send();
  });
  app.post<{ Params: Params }>(`${repositoryUrl}/unload`, guarded, async (request, reply) => {
    const model = checkName("model", request.params.model);
    checkUnload(await readFields(request, reply));
    const change = { type: "unload", model, version: null } as const;
    await ask({ type: "change", change }, changeWaiting).catch(
      rethrow(`failed to unload '${model}'`),
    );
    return reply.code(200).send();
  });
}

/** Clients tell a failed load by these words. */
function rethrow(words: string): (thrown: unknown) => never {
  return (thrown) => {
    if (!(thrown instanceof TroupeError)) throw thrown;
    const { code, message, retryAfterMs } = thrown;
    throw new TroupeError(code, `${words}: ${message}`, { cause: thrown, retryAfterMs });
  };
}
