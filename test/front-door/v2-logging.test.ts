import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { levelAfter, loggingJson } from "../../src/front-door/v2-logging.ts";
import { type LogLevel, logLevels } from "../../src/protocol/control.ts";
import { TroupeError } from "../../src/protocol/errors.ts";

/** Info, warning, error, verbose. */
const shown: Readonly<Record<LogLevel, readonly unknown[]>> = {
  trace: [true, true, true, 2],
  debug: [true, true, true, 1],
  info: [true, true, true, 0],
  warn: [false, true, true, 0],
  error: [false, false, true, 0],
  fatal: [false, false, false, 0],
  silent: [false, false, false, 0],
};

describe("The logging settings", () => {
  for (const level of logLevels) {
    it(`show ${level}, and leave it where they are sent back`, () => {
      const settings = loggingJson(level);
      const { log_file, log_info, log_warning, log_error, log_verbose_level, log_format } =
        settings;
      assert.deepEqual([log_info, log_warning, log_error, log_verbose_level], shown[level]);
      assert.deepEqual([log_file, log_format], ["", "ISO8601"]);
      assert.equal(levelAfter(level, settings), level);
      assert.equal(levelAfter(level, {}), level);
    });
  }

  const changes: readonly (readonly [LogLevel, Record<string, unknown>, string])[] = [
    ["info", { log_verbose_level: 1 }, "debug"],
    ["info", { log_verbose_level: 7 }, "trace"],
    ["info", { log_info: false }, "warn"],
    ["info", { log_info: false, log_warning: false }, "error"],
    ["info", { log_info: false, log_warning: false, log_error: false }, "fatal"],
    ["trace", { log_verbose_level: 0 }, "info"],
    ["error", { log_warning: true }, "warn"],
    ["silent", { log_error: true }, "error"],
    ["info", { log_warning: false }, "not-implemented"],
    ["error", { log_verbose_level: 1 }, "not-implemented"],
    ["info", { log_file: "/tmp/log" }, "not-implemented"],
    ["info", { log_format: "default" }, "not-implemented"],
    ["info", { log_info: "yes" }, "invalid-request"],
    ["info", { log_verbose_level: -1 }, "invalid-request"],
    ["info", { log_verbose_level: true }, "invalid-request"],
    ["info", { log_inof: true }, "invalid-request"],
  ];
  for (const [level, fields, expected] of changes) {
    it(`make ${expected} of ${level} and ${JSON.stringify(fields)}`, () => {
      assert.equal(outcome(level, fields), expected);
    });
  }
});

function outcome(level: LogLevel, fields: Record<string, unknown>): string {
  try {
    return levelAfter(level, fields);
  } catch (thrown) {
    return thrown instanceof TroupeError ? thrown.code : "bug";
  }
}
