import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LogLevel } from "../../src/protocol/control.ts";
import { answerLogLevel } from "../../supervisor/log-level.ts";

function setUp() {
  const settings = { level: "info" as LogLevel, pretty: false };
  const log = { level: "info", info: () => undefined };
  const told: unknown[] = [];
  const member = { slot: { send: (command: unknown) => told.push(command) } };
  const ask = (level: LogLevel | null) =>
    answerLogLevel({ type: "log-level", level }, { log, doorSettings: { log: settings } }, [
      member,
      member,
    ]);
  return { settings, log, told, ask };
}

describe("The log level", () => {
  it("is told, and nothing is changed", () => {
    const { ask, told } = setUp();
    assert.deepEqual(ask(null), { type: "body", body: '{"level":"info"}' });
    assert.deepEqual(ask("info"), { type: "body", body: '{"level":"info"}' });
    assert.deepEqual(told, []);
  });

  it("is changed for who runs, and for who starts later", () => {
    const { ask, told, settings, log } = setUp();
    assert.deepEqual(ask("debug"), { type: "body", body: '{"level":"debug"}' });
    const command = { type: "log-level", level: "debug" };
    assert.deepEqual([told, settings.level, log.level], [[command, command], "debug", "debug"]);
  });
});
