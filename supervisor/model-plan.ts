/* What of a model should run, given what its folder holds and what operators have said. */
import type { ModelFolder, ModelVersion } from "../src/config/model-folder.ts";
import { wantedOf } from "../src/config/wanted-versions.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
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
