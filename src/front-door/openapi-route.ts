/* `GET /openapi.json`: made anew for each request, as models come and go. */
import type { FastifyInstance, RouteOptions } from "fastify";
import type { DoorSettings } from "../protocol/control.ts";
import type { Directory } from "./directory.ts";
import { generalPaths, openApiDocument } from "./openapi-document.ts";
import type { Schema } from "./openapi-schema.ts";

interface OpenApiParts {
  readonly settings: Pick<DoorSettings, "serverName" | "version" | "compatTriton">;
  readonly directory: Pick<Directory, "models">;
}

/** Comes before the other routes, to see by which schemas Fastify writes their answers. */
export function addOpenApi(app: FastifyInstance, { settings, directory }: OpenApiParts): void {
  const written = new Map<string, Schema>();
  app.addHook("onRoute", (route) => note(written, route));
  let paths: ReturnType<typeof generalPaths> | undefined;
  app.get("/openapi.json", () => {
    paths ??= generalPaths(written, settings.compatTriton);
    return openApiDocument(settings, paths, directory.models);
  });
}

/** Under the key that the table of operations has for the route. */
function note(written: Map<string, Schema>, { method, url, schema }: RouteOptions): void {
  if (schema?.response === undefined) return;
  written.set(`${method} ${url.replace(/:(\w+)/g, "{$1}")}`, schema.response as Schema);
}
