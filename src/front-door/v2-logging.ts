/* The logging extension of Open Inference V2: Triton's switches, over levels of which each has those above it. */
import { type LogLevel, logLevels } from "../protocol/control.ts";
import { TroupeError } from "../protocol/errors.ts";

type Json = Readonly<Record<string, unknown>>;

const flags = ["log_info", "log_warning", "log_error"] as const;

type Switches = Readonly<Record<(typeof flags)[number], boolean>> & {
  readonly log_verbose_level: number;
};

const names = ["log_file", ...flags, "log_verbose_level", "log_format"] as const;

/** Lines go to stdout, with times as ISO 8601 has them. */
const fixed = { log_file: "", log_format: "ISO8601" } as const;

export function loggingJson(level: LogLevel): Json {
  const { log_file, log_format } = fixed;
  return { log_file, ...switchesOf(level), log_format };
}

function switchesOf(level: LogLevel): Switches {
  const shows = (other: LogLevel) => logLevels.indexOf(level) <= logLevels.indexOf(other);
  const verbose = shows("trace") ? 2 : Number(shows("debug"));
  return {
    log_info: shows("info"),
    log_warning: shows("warn"),
    log_error: shows("error"),
    log_verbose_level: verbose,
  };
}

/**
 * What the level becomes; what the request does not name stays as it is. Throws `invalid-request` for what is no
 * setting, and `not-implemented` for what cannot be set here.
 */
export function levelAfter(level: LogLevel, fields: Json): LogLevel {
  for (const [name, value] of Object.entries(fields)) check(name, value);
  const before = switchesOf(level);
  const after: Switches = { ...before, ...fields };
  const isSame = [...flags, "log_verbose_level" as const].every(
    (key) => before[key] === after[key],
  );
  return isSame ? level : levelOf(after);
}

function check(name: string, value: unknown): void {
  if (!isSetting(name)) {
    throw invalid(`unknown setting '${name}'; known are ${names.join(", ")}`);
  }
  if (name === "log_file" || name === "log_format") {
    if (value === fixed[name]) return;
    throw notHere(`${name} cannot be changed: it is '${fixed[name]}'`);
  }
  if (name === "log_verbose_level") {
    if (Number.isSafeInteger(value) && Number(value) >= 0) return;
    throw invalid(`${name} must be a whole number from 0, got ${JSON.stringify(value)}`);
  }
  if (typeof value !== "boolean") {
    throw invalid(`${name} must be true or false, got ${JSON.stringify(value)}`);
  }
}

function isSetting(name: string): name is (typeof names)[number] {
  return names.some((known) => known === name);
}

function levelOf({ log_info, log_warning, log_error, log_verbose_level }: Switches): LogLevel {
  const inOrder = [log_verbose_level > 0, log_info, log_warning, log_error];
  if (inOrder.some((on, at) => on && inOrder[at + 1] === false)) {
    throw notHere(
      "levels stand in order here, verbose, info, warning, error: none can be on without those after it",
    );
  }
  if (log_verbose_level > 0) return log_verbose_level > 1 ? "trace" : "debug";
  if (log_info) return "info";
  if (log_warning) return "warn";
  return log_error ? "error" : "fatal";
}

function invalid(words: string): TroupeError {
  return new TroupeError("invalid-request", words);
}

function notHere(words: string): TroupeError {
  return new TroupeError("not-implemented", words);
}
