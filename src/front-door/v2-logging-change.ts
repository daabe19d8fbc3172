/* Asks the supervisor for the level of all processes, and for another. */
import type { LogLevel } from "../protocol/control.ts";
import type { AskSupervisor } from "./queries.ts";
import { levelAfter, loggingJson } from "./v2-logging.ts";

/** The settings as they are then; no fields change nothing. Throws as `levelAfter` does. */
export async function changeLogging(
  ask: AskSupervisor,
  fields: Readonly<Record<string, unknown>>,
): Promise<ReturnType<typeof loggingJson>> {
  const before = await levelIs(ask, null);
  const level = levelAfter(before, fields);
  return loggingJson(level === before ? before : await levelIs(ask, level));
}

async function levelIs(ask: AskSupervisor, wanted: LogLevel | null): Promise<LogLevel> {
  const answer = JSON.parse(await ask({ type: "log-level", level: wanted }));
  return (answer as { readonly level: LogLevel }).level;
}
