/* What of a model should run, given what its folder holds and what operators have said. */
import { parseModelConfig } from "../src/config/model-config.ts";
import type { ModelFolder, ModelVersion, ServableModel } from "../src/config/model-folder.ts";
import { wantedOf } from "../src/config/wanted-versions.ts";
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
  if (folder.problem !== undefined) return { type: "broken", problem: folder.problem };
  const { name, config } = folder;
  const excluded = new Set([
    ...(facts.unloadedVersions.get(name) ?? []),
    ...(facts.rolledBack.get(name)?.keys() ?? []),
  ]);
  const added = facts.loadedVersions.get(name) ?? new Set<string>();
  const isUnloaded = facts.unloadedModels.has(name);
  const selected = isUnloaded ? [] : wantedOf(folder, excluded);
  const chosen = new Set(selected.map(({ version }) => version));
  const versions = folder.versions.filter(
    ({ version }) => chosen.has(version) || (added.has(version) && !excluded.has(version)),
  );
  return { type: "serve", config, versions };
}

/**
 * What a server begins with: where the one before was killed in a rollout, what served before that, so that there is
 * something to go back to when it is rolled out again.
 */
export function bootPlanOf(folder: ModelFolder, facts: Facts): ModelPlan {
  const begun = facts.rollingOut.get(folder.name);
  const whole = planOf(folder, facts);
  if (begun === undefined || folder.problem !== undefined) return whole;
  const config = configBefore(folder, begun);
  const versions = folder.versions.filter(({ version }) => !begun.versions.includes(version));
  const before = planOf({ ...folder, config, versions }, facts);
  return before.type === "serve" && before.versions.length > 0 ? before : whole;
}

function configBefore({ name, config }: ServableModel, { rewrite }: RollingOut): ModelConfig {
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
