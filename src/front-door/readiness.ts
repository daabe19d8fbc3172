import { defaultVersion } from "../protocol/default-version.ts";
import type { ModelView, ServerView, VersionView } from "../protocol/views.ts";
import { readyVersions, stateWords } from "./model-json.ts";

export interface Readiness {
  readonly ready: boolean;
  /** What is not as it should be, whether it makes the server unready or not. */
  readonly reasons: readonly string[];
}

/**
 * Not ready before every model is ready or given up; after that only while draining, or while a model marked
 * `required` has no version that is ready. One bad model takes nothing out of its load balancer unless it is required.
 */
export function judgeServer(server: ServerView, models: readonly ModelView[]): Readiness {
  const hindered = models.some((model) => model.required && readyVersions(model).length === 0);
  const reasons = [
    ...(server.draining ? ["the server is draining"] : []),
    ...(server.started ? [] : ["models are being loaded"]),
    ...models.flatMap(troublesOf),
    ...models.flatMap(driftOf),
  ];
  return { ready: server.started && !server.draining && !hindered, reasons };
}

function driftOf({ name, drift }: ModelView): string[] {
  return drift === null ? [] : [`model '${name}' ${drift}`];
}

export function judgeModel(server: ServerView, model: ModelView, version?: VersionView): Readiness {
  const judged = version ?? defaultVersion(model);
  const reasons = [
    ...(server.draining ? ["the server is draining"] : []),
    ...(judged?.state === "ready" ? [] : [troubleOf(model, judged)]),
  ];
  return { ready: reasons.length === 0, reasons };
}

function troublesOf(model: ModelView): string[] {
  const judged = defaultVersion(model);
  if (model.problem !== null) return [troubleOf(model, undefined)];
  if (judged === undefined) return model.required ? [troubleOf(model, judged)] : [];
  return model.versions
    .filter((one) => isTrouble(one, one === judged, model.required))
    .map((one) => troubleOf(model, one));
}

/** A version beside the default one may be on its way in or out; one that nobody wants is missed by nobody. */
function isTrouble({ state }: VersionView, isDefault: boolean, isRequired: boolean): boolean {
  if (state === "unavailable") return true;
  if (!isDefault || state === "ready") return false;
  return isRequired || (state !== "unloaded" && state !== "draining");
}

/** Without a version: of the model as a whole. */
function troubleOf({ name, problem }: ModelView, of: VersionView | undefined): string {
  if (of !== undefined) return `model '${name}' version '${of.version}' ${stateWords(of)}`;
  if (problem !== null) return `model '${name}' is unavailable: ${problem}`;
  return `model '${name}' is not loaded`;
}
