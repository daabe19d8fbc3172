/* Loads and unloads models for the repository extension of Open Inference V2, whatever carries it. */
import { TroupeError } from "../protocol/errors.ts";
import { checkName } from "./plain-name.ts";
import type { AskSupervisor } from "./queries.ts";
import { changeWaiting } from "./upload.ts";

/** Resolves when it is done. */
export async function changeLoaded(
  ask: AskSupervisor,
  name: string,
  type: "load" | "unload",
): Promise<void> {
  const model = checkName("model", name);
  const wanted = { type, model, version: null };
  await ask({ type: "change", change: wanted }, changeWaiting).catch((thrown: unknown) => {
    throw worded(thrown, `failed to ${type} '${model}'`);
  });
}

/** Clients tell a failed load by these words. */
function worded(thrown: unknown, words: string): unknown {
  if (!(thrown instanceof TroupeError)) return thrown;
  const { code, message, retryAfterMs } = thrown;
  return new TroupeError(code, `${words}: ${message}`, { cause: thrown, retryAfterMs });
}
