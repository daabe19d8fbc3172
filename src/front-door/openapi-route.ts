/* `GET /openapi.json`: made anew for each request, as models come and go. */
import type { FastifyInstance, RouteOptions } from "fastify";
import type { DoorSettings } from "../protocol/control.ts";
import type { Directory } from "./directory.ts";
import type { Schema } from "./openapi-answers.ts";
import { generalPaths, openApiDocument } from "./openapi-document.ts";
import { operations } from "./openapi-operations.ts";

interface OpenApiParts {
  readonly settings: Pick<DoorSettings, "serverName" | "version">;
  readonly directory: Pick<Directory, "models">;
}

/** Comes before the other routes, to see by which schemas Fastify writes their answers. */
export function addOpenApi(app: FastifyInstance, { settings, directory }: OpenApiParts): void {
  const written = new Map<string, Schema>();
  app.addHook("onRoute", (route) => note(written, route));
  let paths: ReturnType<typeof generalPaths> | undefined;
  app.get("/openapi.json", () => {
    paths ??= generalPaths(written);
    return openApiDocument(settings, paths, directory.models);
  });
}

/** Throws for a route that nobody has described, so that no server starts with one. */
function note(written: Map<string, Schema>, { method, url, schema }: RouteOptions): void {
  // Fastify adds HEAD by itself; several verbs at once are those that get 405.
  if (typeof method !== "string" || method === "HEAD") return;
  const key = `${method} ${url.replace(/:(\w+)/g, "{$1}")}`;
  if (!Object.hasOwn(operations, key)) throw new Error(`no operation describes ${key}`);
  if (schema?.response !== undefined) written.set(key, schema.response as Schema);
}
