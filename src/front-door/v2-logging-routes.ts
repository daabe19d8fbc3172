/* Shows and changes what all processes of the troupe log: the supervisor has the level, and tells it to them. */
import type { FastifyInstance } from "fastify";
import type { LogLevel } from "../protocol/control.ts";
import { readFields } from "./json-request.ts";
import { guardOf } from "./management-guard.ts";
import type { ManagementParts } from "./management-routes.ts";
import { levelAfter, loggingJson } from "./v2-logging.ts";

type LoggingParts = Pick<ManagementParts, "settings" | "ask">;

export function addV2Logging(app: FastifyInstance, { settings, ask }: LoggingParts): void {
  const levelIs = async (wanted: LogLevel | null): Promise<LogLevel> => {
    const answer = JSON.parse(await ask({ type: "log-level", level: wanted }));
    return (answer as { readonly level: LogLevel }).level;
  };
  app.get("/v2/logging", async () => loggingJson(await levelIs(null)));
  app.post("/v2/logging", { onRequest: guardOf(settings) }, async (request, reply) => {
    const fields = await readFields(request, reply);
    const level = levelAfter(await levelIs(null), fields);
    return loggingJson(await levelIs(level));
  });
}
