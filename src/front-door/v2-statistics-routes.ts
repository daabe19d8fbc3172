/* Open Inference V2's statistics: the supervisor gathers them, as it does metrics. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ManagementParts } from "./management-routes.ts";
import { knownName } from "./plain-name.ts";

interface Params {
  readonly model: string;
  readonly version?: string;
}

/** A model that is called `stats` has its statistics, but not its metadata, under V2. */
export function addV2Statistics(app: FastifyInstance, { ask }: Pick<ManagementParts, "ask">): void {
  const tell = async (reply: FastifyReply, { model, version }: Partial<Params>) => {
    reply.type("application/json");
    return ask({
      type: "statistics",
      model: model === undefined ? null : knownName("model", model),
      version: version === undefined ? null : knownName("version", version),
    });
  };
  app.get("/v2/models/stats", (_request, reply) => tell(reply, {}));
  app.get<{ Params: Params }>("/v2/models/:model/stats", ({ params }, reply) =>
    tell(reply, params),
  );
  app.get<{ Params: Params }>("/v2/models/:model/versions/:version/stats", ({ params }, reply) =>
    tell(reply, params),
  );
}
