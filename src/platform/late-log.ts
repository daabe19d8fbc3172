import { inspect } from "node:util";
import { type LogLevel, logLevels } from "../protocol/control.ts";
import { createLog, type Log, type LogOptions } from "./log.ts";

const oneLine = { breakLength: Number.POSITIVE_INFINITY };

type LineLevel = "info" | "warn" | "error";

/** The part of a log that a host writes to. */
export type HostLog = Pick<Log, LineLevel>;

/**
 * Loads pino with the first line that is written, as most hosts never write one. A start without it takes 0.95
 * of the processor time (13 alternating starts of a host of 1 MB, 2026-11-26, from the fork to `ready`).
 */
export class LateLog implements HostLog {
  readonly #options: LogOptions & { readonly level: LogLevel };
  readonly #create: typeof createLog;
  #log: Log | undefined;
  #level: LogLevel;
  readonly info = this.#lineAt("info");
  readonly warn = this.#lineAt("warn");
  readonly error = this.#lineAt("error");

  constructor(options: LogOptions & { readonly level: LogLevel }, create = createLog) {
    this.#options = options;
    this.#create = create;
    this.#level = options.level;
  }

  set level(level: LogLevel) {
    this.#level = level;
    if (this.#log !== undefined) this.#log.level = level;
  }

  #lineAt(level: LineLevel): Log[LineLevel] {
    return (...line: unknown[]) => {
      if (logLevels.indexOf(level) < logLevels.indexOf(this.#level)) return;
      const log = this.#open();
      if (log === undefined) process.stderr.write(`${level}: ${inspect(line, oneLine)}\n`);
      else log[level](...(line as [object, string]));
    };
  }

  /** Undefined where pino is gone by now, as while Troupe is installed anew: whoever serves goes on. */
  #open(): Log | undefined {
    try {
      this.#log ??= this.#create({ ...this.#options, level: this.#level });
    } catch {
      return undefined;
    }
    return this.#log;
  }
}
