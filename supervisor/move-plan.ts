/* What is to run once a request is carried out. */
import { type Facts, withEntry } from "./journal-facts.ts";
import { filesInPlace } from "./kept-groups.ts";
import { brokenModel, isLeftWithNone, planOf, type ServePlan } from "./model-plan.ts";
import type { KnownModel } from "./model-registry.ts";
import type { MoveRequest } from "./move-request.ts";

/**
 * What serves goes on where nothing is left that could take its place, though its file may be gone; one of several may
 * go whatever has become of the folder. Throws `invalid-model` where that cannot be served otherwise.
 */
export function planFor(model: KnownModel, request: MoveRequest, before: Facts): ServePlan {
  const { folder = model.folder, decisions = [], gone } = request;
  const { life } = model;
  const facts = decisions.reduce(withEntry, before);
  const unwanted = new Set([gone, ...(facts.unloadedVersions.get(folder.name) ?? [])]);
  const versions = filesInPlace(life.serving).filter(({ version }) => !unwanted.has(version));
  const plan = planOf(folder, facts);
  if (plan.type === "broken") {
    const isLess = decisions.some(({ type }) => type === "unloaded");
    if (isLess && life.config !== null) return { type: "serve", config: life.config, versions };
    throw brokenModel(folder.name, plan.problem);
  }
  return isLeftWithNone(folder, facts) ? { ...plan, versions } : plan;
}
