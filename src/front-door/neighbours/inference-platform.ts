/* The health routes of the AI Inference Backend Platform. */
import type { FastifyInstance } from "fastify";
import type { ModelView } from "../../protocol/views.ts";
import type { Directory } from "../directory.ts";
import { readyVersions } from "../model-json.ts";
import { judgeServer } from "../readiness.ts";

export function addInferencePlatform(
  app: FastifyInstance,
  { directory }: { readonly directory: Directory },
): void {
  app.get("/health/live", () => ({ status: "alive" }));
  app.get("/health/ready", (_request, reply) => {
    const { ready, reasons } = judgeServer(directory.server, directory.models);
    reply.code(ready ? 200 : 503);
    return { status: ready ? "ready" : "not_ready", reasons };
  });
}

/** Every version that serves, as `name:version`. */
export function modelsLoaded(models: readonly ModelView[]): readonly string[] {
  return models.flatMap((model) =>
    readyVersions(model).map((version) => `${model.name}:${version}`),
  );
}
