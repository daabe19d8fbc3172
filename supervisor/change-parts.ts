/* What those who change models work on. */
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { ChangeLocks } from "./change-locks.ts";
import type { GroupPlan } from "./host-group.ts";
import type { Journal } from "./journal.ts";
import type { ModelRegistry } from "./model-registry.ts";
import type { ModelStore } from "./model-store.ts";

export interface ChangeParts {
  readonly registry: ModelRegistry;
  readonly journal: Journal;
  readonly store: ModelStore;
  readonly modelsFolder: string;
  readonly locks: ChangeLocks;
}

/** What those need who take a configuration in that says more of a model than its model.yaml will. */
export interface TrialParts {
  /** Rejects with `invalid-model`. */
  readonly trial: (plan: GroupPlan) => Promise<ModelMetadata>;
  /** Of keys that are not honoured. */
  readonly onWarnings: (model: string, warnings: readonly string[]) => void;
}
