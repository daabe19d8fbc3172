/* What a start makes of what the server before left: the journal is read, and uploads that were cut off are cleared. */
import { join } from "node:path";
import type { Log } from "../src/platform/log.ts";
import { Journal } from "./journal.ts";
import { ModelStore } from "./model-store.ts";

export interface Opened {
  readonly journal: Journal;
  readonly store: ModelStore;
}

/** An installation is whole, or it never was; a folder that cannot be written is served as it is. */
export async function openModels(modelsFolder: string, log: Log): Promise<Opened> {
  const journal = await Journal.open(join(modelsFolder, ".troupe"));
  const store = new ModelStore(modelsFolder);
  try {
    const { installing } = journal.facts;
    const finished = await store.sweep(installing);
    for (const { model, version } of installing) {
      const isThere = finished.some((one) => one.model === model && one.version === version);
      await journal.append({ type: isThere ? "installed" : "deleted", model, version });
    }
  } catch (thrown) {
    log.warn({ err: thrown }, "the models folder could not be tidied");
  }
  return { journal, store };
}
