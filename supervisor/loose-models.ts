/* Models that no folder of their own holds: a file that is another server's describes them. */
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelChange } from "../src/protocol/questions.ts";
import type { KnownModel } from "./model-registry.ts";

/** Throws TroupeError `conflict` where the change would be one of files that Troupe does not write. */
export function refuseLoose({ type, model }: ModelChange, known: KnownModel | undefined): void {
  const foreign = known?.folder.notes?.foreign;
  if (foreign?.isLoose !== true || !["upload", "patch", "delete"].includes(type)) return;
  const words = `Cannot change model '${model}': ${foreign.file} describes it; change that file, and load the model`;
  throw new TroupeError("conflict", words);
}
