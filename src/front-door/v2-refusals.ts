/* What Open Inference V2 has and Troupe has not: each path says so, so that no client looks for a misspelling. */
import type { FastifyInstance } from "fastify";
import { TroupeError } from "../protocol/errors.ts";

export const noNamedRepository = "'repository_name' specification is not supported";

export function noMemory(name: string): string {
  return `${name} is not supported: send tensors in the request`;
}

export const memories = {
  systemsharedmemory: "system shared memory",
  cudasharedmemory: "CUDA shared memory",
} as const;

const modelUrls = ["/v2/models/:model", "/v2/models/:model/versions/:version"] as const;

export function addV2Refusals(app: FastifyInstance): void {
  for (const [path, name] of Object.entries(memories)) addMemory(app, `/v2/${path}`, name);
  addNamedRepositories(app);
  for (const url of modelUrls) addGenerate(app, url);
}

function addMemory(app: FastifyInstance, url: string, name: string): void {
  const answer = refusal(noMemory(name));
  for (const place of [url, `${url}/region/:region`]) {
    app.get(`${place}/status`, answer);
    app.post(`${place}/register`, answer);
    app.post(`${place}/unregister`, answer);
  }
}

/** There is one repository, the models folder, and it has no name. */
function addNamedRepositories(app: FastifyInstance): void {
  const answer = refusal(noNamedRepository);
  for (const action of ["index", "models/:model/load", "models/:model/unload"]) {
    app.post(`/v2/repository/:repository/${action}`, answer);
  }
}

function addGenerate(app: FastifyInstance, url: string): void {
  const words = "comes with text models, which are not supported yet: POST to infer instead";
  app.post(`${url}/generate`, refusal(`generate ${words}`));
  app.post(`${url}/generate_stream`, refusal(`generate_stream ${words}`));
}

function refusal(words: string): () => Promise<never> {
  return async () => {
    throw new TroupeError("not-implemented", words);
  };
}
