/* `GET /openapi.json`: made anew when models have changed, as some hundreds of them take a quarter of a second. */
import type { FastifyInstance, RouteOptions } from "fastify";
import type { DoorSettings } from "../protocol/control.ts";
import type { ModelView } from "../protocol/views.ts";
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
  let made: { readonly of: readonly ModelView[]; readonly text: string } | undefined;
  app.get("/openapi.json", (_request, reply) => {
    const { models } = directory;
    if (made === undefined || !isSame(models, made.of)) {
      paths ??= generalPaths(written, settings.compatTriton);
      made = { of: models, text: JSON.stringify(openApiDocument(settings, paths, models)) };
    }
    reply.type("application/json");
    return made.text;
  });
}

/** A model that has changed is another view. */
function isSame(models: readonly ModelView[], others: readonly ModelView[]): boolean {
  return models.length === others.length && models.every((one, at) => one === others[at]);
}

/** Under the key that the table of operations has for the route. */
function note(written: Map<string, Schema>, { method, url, schema }: RouteOptions): void {
  if (schema?.response === undefined) return;
  written.set(`${method} ${url.replace(/:(\w+)/g, "{$1}")}`, schema.response as Schema);
}
