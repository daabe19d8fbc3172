/* Asks the supervisor for the settings of traces, of one model or of all, and has them changed. */
import type { TraceChange, TraceSettings } from "../protocol/traces.ts";
import type { Directory } from "./directory.ts";
import type { AskSupervisor } from "./queries.ts";
import { traceSettingJson } from "./v2-trace.ts";

export interface TraceSettingParts {
  readonly ask: AskSupervisor;
  readonly directory: Directory;
}

/** The settings as they are then; an empty change changes nothing. Throws `model-not-found`. */
export async function changeTracing(
  { ask, directory }: TraceSettingParts,
  model: string | null,
  change: TraceChange,
): Promise<ReturnType<typeof traceSettingJson>> {
  if (model !== null) directory.model(model);
  const answer = JSON.parse(await ask({ type: "trace-setting", model, change }));
  return traceSettingJson(answer as TraceSettings);
}
