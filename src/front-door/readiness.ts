import type { ModelView, ServerView, VersionView } from "../protocol/views.ts";
import { defaultVersion } from "./directory.ts";

export interface Readiness {
  readonly ready: boolean;
  /** What is not as it should be, whether it makes the server unready or not. */
  readonly reasons: readonly string[];
}

/**
 * Not ready before every model is ready or given up; after that only while draining, or while a model marked
 * `required` is not ready. One bad model takes nothing out of its load balancer unless it is required.
 */
export function judgeServer(server: ServerView, models: readonly ModelView[]): Readiness {
  const troubles = models.flatMap(troublesOf);
  const hindered = models.some((model) => model.required && troublesOf(model).length > 0);
  const reasons = [
    ...(server.draining ? ["the server is draining"] : []),
    ...(server.started ? [] : ["models are being loaded"]),
    ...troubles,
  ];
  return { ready: server.started && !server.draining && !hindered, reasons };
}

export function judgeModel(server: ServerView, model: ModelView, version?: VersionView): Readiness {
  const judged = version ?? defaultVersion(model);
  const reasons = [
    ...(server.draining ? ["the server is draining"] : []),
    ...(judged === undefined ? troublesOf(model) : troubleOf(model, judged)),
  ];
  return { ready: reasons.length === 0, reasons };
}

function troublesOf(model: ModelView): string[] {
  if (model.problem !== null) return [`model '${model.name}' is unavailable: ${model.problem}`];
  return model.versions.flatMap((version) => troubleOf(model, version));
}

function troubleOf(model: ModelView, { version, state, reason }: VersionView): string[] {
  if (state === "ready") return [];
  return [`model '${model.name}' version '${version}' is ${state}: ${reason}`];
}
