/* What of a model should run, given what its folder holds and what operators have said. */
import { parseModelConfig } from "../src/config/model-config.ts";
import type { ModelFolder, ModelVersion, ServableModel } from "../src/config/model-folder.ts";
import { wantedOf } from "../src/config/wanted-versions.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { Rewrite, RollingOut } from "./journal-entry.ts";
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
 * What a server begins with: where the one before was killed in rollouts, what served before them, so that there is
 * something to go back to when it is rolled out again.
 */
export function bootPlanOf(folder: ModelFolder, facts: Facts): ModelPlan {
  const whole = planOf(folder, facts);
  const [first, ...others] = facts.rollingOut.get(folder.name) ?? [];
  if (first === undefined || folder.problem !== undefined) return whole;
  const condemned = facts.rolledBack.get(folder.name);
  const versions = folder.versions.filter(
    ({ version }) => first.served.includes(version) && condemned?.has(version) !== true,
  );
  if (versions.length === 0) return whole;
  return { type: "serve", config: configBefore(folder, [first, ...others]), versions };
}

/** All that was rewritten in rollouts that have not lasted, as one. */
export function rewriteOf(begun: readonly RollingOut[]): Rewrite | null {
  const rewrites = begun.flatMap(({ rewrite }) => rewrite ?? []);
  const [first, last] = [rewrites[0], rewrites.at(-1)];
  if (first === undefined || last === undefined) return null;
  return { before: first.before, written: last.written };
}

function configBefore({ name, config }: ServableModel, begun: readonly RollingOut[]): ModelConfig {
  const rewrite = rewriteOf(begun);
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
