/* Open Inference V2's model repository and model configuration: other words for what `/models` does and shows. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { TroupeError } from "../protocol/errors.ts";
import type { Directory } from "./directory.ts";
import { readFields } from "./json-request.ts";
import { guardOf } from "./management-guard.ts";
import type { ManagementParts } from "./management-routes.ts";
import { askModelConfig } from "./v2-config.ts";
import { changeLoaded } from "./v2-loading.ts";
import {
  checkLoad,
  checkUnload,
  noOverride,
  readyOnlyOf,
  repositoryIndex,
} from "./v2-repository.ts";

export interface V2RepositoryParts extends Pick<ManagementParts, "settings" | "ask"> {
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
  const guarded = { onRequest: guardOf(parts.settings) };
  app.post<{ Params: Params }>(
    "/v2/repository/models/:model/load",
    guarded,
    async (request, reply) => {
      checkLoad(await readLoad(request, reply));
      const { id: requestId, params } = request;
      await changeLoaded(parts.ask, { name: params.model, type: "load", requestId });
      return reply.code(200).send();
    },
  );
  app.post<{ Params: Params }>(
    "/v2/repository/models/:model/unload",
    guarded,
    async (request, reply) => {
      checkUnload(await readFields(request, reply));
      const { id: requestId, params } = request;
      await changeLoaded(parts.ask, { name: params.model, type: "unload", requestId });
      return reply.code(200).send();
    },
  );
}

/** Only a load that brings files is longer than what is read. */
async function readLoad(request: ModelRequest, reply: FastifyReply) {
  return readFields(request, reply).catch((thrown: unknown) => {
    const isLong = thrown instanceof TroupeError && thrown.code === "payload-too-large";
    throw isLong ? noOverride("a body with files or a configuration") : thrown;
  });
}
