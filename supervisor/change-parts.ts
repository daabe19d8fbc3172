/* What those who change models work on. */
import type { ChangeLocks } from "./change-locks.ts";
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
