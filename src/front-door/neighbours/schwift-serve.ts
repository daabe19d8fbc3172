/* SchwiftServe's list of models: a page for browsers, JSON for everybody else. */
import type { FastifyInstance } from "fastify";
import type { ModelView } from "../../protocol/views.ts";
import type { Directory } from "../directory.ts";
import { readyVersions } from "../model-json.ts";

interface AvailableModel {
  readonly name: string;
  readonly backend: string;
  readonly dtype: string | null;
  readonly input_shape: readonly number[] | null;
  readonly output_shape: readonly number[] | null;
}

export function addSchwiftServe(
  app: FastifyInstance,
  { directory }: { readonly directory: Directory },
): void {
  app.get("/available_models", async ({ headers }, reply) => {
    const listed = loadedModels(directory.models).map((name) => describe(directory, name));
    reply.header("vary", "accept");
    if (!headers.accept?.includes("text/html")) return listed;
    reply.type("text/html; charset=utf-8");
    return pageOf(listed);
  });
}

/** The names of models with a version that serves. */
export function loadedModels(models: readonly ModelView[]): readonly string[] {
  return models.filter((model) => readyVersions(model).length > 0).map(({ name }) => name);
}

/** A worker runs one batch at a time, as a host does. */
export function workersOf(models: readonly ModelView[]): number {
  const versions = models.flatMap((model) => model.versions);
  return versions.reduce((sum, { hosts }) => sum + hosts.length, 0);
}

/** Of the first input and the first output. */
function describe(directory: Directory, name: string): AvailableModel {
  const { metadata } = directory.find(name, undefined).version;
  const input = metadata?.inputs[0];
  return {
    name,
    backend: "onnx",
    dtype: input?.datatype ?? null,
    input_shape: input?.shape ?? null,
    output_shape: metadata?.outputs[0]?.shape ?? null,
  };
}

function pageOf(models: readonly AvailableModel[]): string {
  const rows = models.map((model) => {
    const cells = Object.values(model).map((value) => `<td>${escaped(String(value ?? ""))}</td>`);
    return `<tr>${cells.join("")}</tr>`;
  });
  const heads = ["name", "backend", "dtype", "input shape", "output shape"];
  const head = heads.map((word) => `<th>${word}</th>`).join("");
  return `<!doctype html><title>Models</title><table><tr>${head}</tr>${rows.join("")}</table>\n`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
