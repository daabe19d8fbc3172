/* What of a model should run, given what its folder holds and what operators have said. */
import { defaultModelConfig, parseModelConfig } from "../src/config/model-config.ts";
import type { ModelFolder, ModelVersion, ServableModel } from "../src/config/model-folder.ts";
import { wantedOf } from "../src/config/wanted-versions.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { RollingOut } from "./journal-entry.ts";
import type { Facts } from "./journal-facts.ts";

export type ModelPlan =
  | {
      readonly type: "serve";
      readonly config: ModelConfig;
      /** Oldest first; none where nobody wants it loaded. */
      readonly versions: readonly ModelVersion[];
    }
  | { readonly type: "broken"; readonly problem: string };

export type ServePlan = Extract<ModelPlan, { readonly type: "serve" }>;

/** Versions that were rolled back or unloaded are left out; what was asked for by name is added. */
export function planOf(folder: ModelFolder, facts: Facts): ModelPlan {
  const { name } = folder;
  if (folder.problem !== undefined) {
    return isUnwanted(name, facts)
      ? { type: "serve", config: defaultModelConfig, versions: [] }
      : { type: "broken", problem: folder.problem };
  }
  const { config } = folder;
  const unloaded = facts.unloadedVersions.get(name) ?? new Set<string>();
  const excluded = new Set([...unloaded, ...(facts.rolledBack.get(name)?.keys() ?? [])]);
  const added = facts.loadedVersions.get(name) ?? new Set<string>();
  const isUnloaded = facts.unloadedModels.has(name);
  const selected = isUnloaded ? [] : selectedOf(folder, unloaded, excluded);
  const chosen = new Set(selected.map(({ version }) => version));
  const versions = folder.versions.filter(
    ({ version }) => chosen.has(version) || (added.has(version) && !excluded.has(version)),
  );
  return { type: "serve", config, versions };
}

/** What nobody wants may be broken. */
function isUnwanted(model: string, { unloadedModels, loadedVersions }: Facts): boolean {
  return unloadedModels.has(model) && (loadedVersions.get(model)?.size ?? 0) === 0;
}

/** Where all that is wanted was rolled back, the newest of the others stands in: nobody has asked for none. */
function selectedOf(
  folder: ServableModel,
  unloaded: ReadonlySet<string>,
  excluded: ReadonlySet<string>,
): readonly ModelVersion[] {
  const selected = wantedOf(folder, excluded);
  if (selected.length > 0 || wantedOf(folder, unloaded).length === 0) return selected;
  return folder.versions.filter(({ version }) => !excluded.has(version)).slice(-1);
}

/** Whether nothing is planned only because all that is wanted was rolled back. */
export function isLeftWithNone(folder: ModelFolder, facts: Facts): boolean {
  const [plan, without] = [facts, { ...facts, rolledBack: new Map() }].map((one) =>
    planOf(folder, one),
  );
  if (plan?.type !== "serve" || without?.type !== "serve") return false;
  return plan.versions.length === 0 && without.versions.length > 0;
}

export function brokenModel(name: string, problem: string): TroupeError {
  return new TroupeError("invalid-model", `Cannot serve model '${name}': ${problem}`);
}

/** Stands for a model whose folder somebody has removed. */
export function goneFolder(name: string): ModelFolder {
  const problem = "has no folder any more";
  const config = new TroupeError("invalid-model", problem);
  return { name, versions: [], wanted: [], config, problem };
}

/**
 * What a server begins with: where the one before was killed in rollouts, what served before them, so that there is
 * something to go back to when it is rolled out again.
 */
export function bootPlanOf(folder: ModelFolder, facts: Facts): ModelPlan {
  const whole = planOf(folder, facts);
  const { name } = folder;
  const begun = facts.rollingOut.get(name) ?? [];
  const served = begun[0]?.served ?? [];
  if (folder.problem !== undefined || facts.unloadedModels.has(name)) return whole;
  const isOut = (version: string) =>
    facts.rolledBack.get(name)?.has(version) === true ||
    facts.unloadedVersions.get(name)?.has(version) === true;
  const versions = folder.versions.filter(
    ({ version }) => served.includes(version) && !isOut(version),
  );
  if (versions.length === 0) return whole;
  return { type: "serve", config: configBefore(folder, begun), versions };
}

function configBefore({ name, config }: ServableModel, begun: readonly RollingOut[]): ModelConfig {
  const rewrite = begun.find((one) => one.rewrite !== null)?.rewrite ?? null;
  if (rewrite === null) return config;
  try {
    return parseModelConfig(rewrite.before, `${name}/model.yaml`);
  } catch {
    return config;
  }
}

/** Two configurations with the same key need no new process. */
export function hostKey(config: ModelConfig): string {
  return JSON.stringify({
    ...config,
    description: null,
    replicas: null,
    versions: null,
    required: null,
    defaultVersion: null,
    limits: null,
    bakeMs: null,
    timeouts: { ...config.timeouts, requestMs: null },
  });
}
