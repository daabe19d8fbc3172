/* What a start makes of what the server before left: the journal is read, and uploads that were cut off are cleared. */
import { join } from "node:path";
import type { Log } from "../src/platform/log.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import { type Condition, Journal } from "./journal.ts";
import { ModelStore } from "./model-store.ts";

export interface Opened {
  readonly journal: Journal;
  readonly store: ModelStore;
}

/**
 * An installation is whole, or it never was; a folder that cannot be written is served as it is, and so is one that
 * another server has. Throws TroupeError where the journal cannot be read.
 */
export async function openModels(modelsFolder: string, log: Log): Promise<Opened> {
  const store = new ModelStore(modelsFolder);
  // Before the journal is read, so that nobody writes to it from then on.
  const others = await othersIn(store, log);
  try {
    const journal = await Journal.open(join(modelsFolder, ".troupe"));
    tellOf(journal.condition, log);
    const [other] = others;
    if (other === undefined) await tidy({ journal, store }, log);
    else giveWay(journal, other, log);
    return { journal, store };
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

async function othersIn(store: ModelStore, log: Log): Promise<readonly number[]> {
  try {
    return await store.claim();
  } catch (thrown) {
    const reason = thrown instanceof TroupeError ? thrown.message : String(thrown);
    log.info({ reason }, "models can be served, but not changed");
    return [];
  }
}

/** Neither of two that write would know what the other one has decided. */
function giveWay(journal: Journal, other: number, log: Log): void {
  journal.leaveTo(other);
  const words = "another server has this models folder: this one serves it, and changes nothing";
  log.warn({ other_pid: other }, words);
}

function tellOf({ tornBytes, damage }: Condition, log: Log): void {
  if (tornBytes > 0) log.info({ bytes: tornBytes }, "the journal's last line was cut off");
  if (damage === null) return;
  log.warn(damage, "the journal is damaged: what else it says holds, but not these lines");
}

async function tidy({ journal, store }: Opened, log: Log): Promise<void> {
  try {
    const copy = await journal.mend();
    if (copy !== null) log.warn({ copy }, "the journal was rewritten; a copy is as it was");
    const { installing } = journal.facts;
    const { finished, uploads } = await store.sweep(installing);
    if (uploads > 0) log.info({ uploads }, "uploads were removed that a server had left half done");
    for (const { model, version } of installing) {
      const isThere = finished.some((one) => one.model === model && one.version === version);
      await journal.append({ type: isThere ? "installed" : "deleted", model, version });
    }
  } catch (thrown) {
    log.warn({ err: thrown }, "the models folder could not be tidied");
  }
}
