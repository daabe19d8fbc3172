/* Shows and changes what all processes of the troupe log: the supervisor has the level, and tells it to them. */
import type { FastifyInstance } from "fastify";
import { readFields } from "./json-request.ts";
import { guardOf } from "./management-guard.ts";
import type { ManagementParts } from "./management-routes.ts";
import { changeLogging } from "./v2-logging-change.ts";

type LoggingParts = Pick<ManagementParts, "settings" | "ask">;

export function addV2Logging(app: FastifyInstance, { settings, ask }: LoggingParts): void {
  app.get("/v2/logging", () => changeLogging(ask, {}));
  app.post("/v2/logging", { onRequest: guardOf(settings) }, async (request, reply) =>
    changeLogging(ask, await readFields(request, reply)),
  );
}
