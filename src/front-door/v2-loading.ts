/* Loads and unloads models for the repository extension of Open Inference V2, whatever carries it. */
import { TroupeError } from "../protocol/errors.ts";
import { checkName } from "./plain-name.ts";
import type { AskSupervisor } from "./queries.ts";
import { changeWaiting } from "./upload.ts";

interface Wanted {
  readonly name: string;
  readonly type: "load" | "unload";
  readonly requestId: string;
}

/** Resolves when it is done. */
export async function changeLoaded(
  ask: AskSupervisor,
  { name, type, requestId }: Wanted,
): Promise<void> {
  const model = checkName("model", name);
  const change = { type, model, version: null };
  await ask({ type: "change", change, requestId }, changeWaiting).catch((thrown: unknown) => {
    throw worded(thrown, `failed to ${type} '${model}'`);
  });
}

/** Clients tell a failed load by these words. */
function worded(thrown: unknown, words: string): unknown {
  if (!(thrown instanceof TroupeError)) return thrown;
  const { code, message, retryAfterMs } = thrown;
  return new TroupeError(code, `${words}: ${message}`, { cause: thrown, retryAfterMs });
}
