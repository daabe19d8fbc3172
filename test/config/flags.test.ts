import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FlagsVerdict, readFlags } from "../../src/config/flags.ts";
import type { GivenSetting } from "../../src/config/given-setting.ts";
import { flagName } from "../../src/config/key-name.ts";
import type { SettingKey } from "../../src/config/setting-table.ts";

function given(key: SettingKey, text: string): GivenSetting {
  return { key, text, origin: { type: "flag", name: flagName(key) } };
}

function read(...settings: readonly GivenSetting[]): FlagsVerdict {
  return { type: "read", given: settings, configFile: undefined };
}

function refused(words: string): FlagsVerdict {
  return { type: "refused", message: `Cannot start: ${words}` };
}

describe("readFlags", () => {
  const rows: readonly (readonly [readonly string[], FlagsVerdict])[] = [
    [[], read()],
    [["--port", "1"], read(given("port", "1"))],
    [["--port=1"], read(given("port", "1"))],
    [["--models=a=b"], read(given("models", "a=b"))],
    [["--models="], read(given("models", ""))],
    [["--port", "-1"], read(given("port", "-1"))],
    [["--port", "1", "--port=2"], read(given("port", "1"), given("port", "2"))],
    [["--insecure-no-auth"], read(given("insecureNoAuth", "true"))],
    [["--insecure-no-auth=false"], read(given("insecureNoAuth", "false"))],
    [["--watch", "--port", "1"], read(given("watch", "true"), given("port", "1"))],
    [
      ["--watch", "true"],
      refused('unexpected argument "true"; settings are flags, as --port 8080'),
    ],
    [["--config", "a.yaml"], { type: "read", given: [], configFile: "a.yaml" }],
    [["--port", "x", "--help"], { type: "help" }],
    [["-h"], { type: "help" }],
    [["--version"], { type: "version" }],
    [["--prot", "1"], refused('unknown flag "--prot", the nearest known one is --port')],
    [
      ["--max_in_flight=1"],
      refused('unknown flag "--max_in_flight", the nearest known one is --max-in-flight'),
    ],
    [["-p", "1"], refused('unknown flag "-p"')],
    [["--constructor=1"], refused('unknown flag "--constructor"')],
    [["--port"], refused("flag --port needs a value")],
    [["--models", "--port", "1"], refused("flag --models needs a value")],
    [["9000"], refused('unexpected argument "9000"; settings are flags, as --port 8080')],
  ];
  for (const [argv, verdict] of rows) {
    it(`reads "${argv.join(" ")}"`, () => assert.deepEqual(readFlags(argv), verdict));
  }
});
