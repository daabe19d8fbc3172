/* What level the processes log at: the supervisor's own log, those that run, and those that start later. */
import type { Log } from "../src/platform/log.ts";
import type { LogLevel, LogSettings } from "../src/protocol/control.ts";
import type { Question, Reply } from "../src/protocol/questions.ts";

export interface LoggingParts {
  readonly log: Pick<Log, "level" | "info">;
  readonly doorSettings: { readonly log: LogSettings };
}

interface Member {
  readonly slot: { send(command: { readonly type: "log-level"; readonly level: LogLevel }): void };
}

/** Changes it first, where the question says to what. */
export function answerLogLevel(
  { level }: Extract<Question, { type: "log-level" }>,
  { log, doorSettings }: LoggingParts,
  members: readonly Member[],
): Reply {
  const settings = doorSettings.log;
  if (level !== null && level !== settings.level) {
    log.info({ from: settings.level, to: level }, "log level changed");
    settings.level = level;
    log.level = level;
    for (const { slot } of members) slot.send({ type: "log-level", level });
  }
  return { type: "body", body: JSON.stringify({ level: settings.level }) };
}
