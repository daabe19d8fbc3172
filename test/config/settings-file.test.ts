import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { GivenSetting } from "../../src/config/given-setting.ts";
import type { SettingKey } from "../../src/config/setting-table.ts";
import { parseSettingsFile, readSettingsFile } from "../../src/config/settings-file.ts";

const file = "troupe.yaml";

function given(key: SettingKey, text: string, line: number): GivenSetting {
  return { key, text, origin: { type: "file", file, line } };
}

describe("parseSettingsFile", () => {
  const rows: readonly (readonly [string, readonly GivenSetting[]])[] = [
    ["", []],
    ["# nothing\n", []],
    ["port:\n", []],
    [
      "port: 1\nmax_body_bytes: 32MiB\n",
      [given("port", "1", 1), given("maxBodyBytes", "32MiB", 2)],
    ],
    ["port: '1'", [given("port", "1", 1)]],
    ["port: 0x10", [given("port", "0x10", 1)]],
    ["watch: true", [given("watch", "true", 1)]],
    ["port: [1]", [given("port", "a list", 1)]],
    ["port: {a: 1}", [given("port", "a map", 1)]],
    ["allowed_origins: []", [given("allowedOrigins", "", 1)]],
    ["allowed_origins: [a, b]", [given("allowedOrigins", "a,b", 1)]],
    ["allowed_origins: [[a]]", [given("allowedOrigins", "a list", 1)]],
  ];
  for (const [text, expected] of rows) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseSettingsFile(text, file), { type: "read", given: expected });
    });
  }

  for (const [text, words] of [
    ["a: b: c", /not valid YAML: .* \(troupe\.yaml:1\)$/],
    ["- port", /settings must be a map, got a list \(troupe\.yaml:1\)$/],
    ["port: 1\nprot: 2", /unknown key "prot", the nearest known one is port \(troupe\.yaml:2\)$/],
    ["config: x", /unknown key "config" \(troupe\.yaml:1\)$/],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const verdict = parseSettingsFile(text, file);
      assert.match(verdict.type === "refused" ? verdict.message : "", words);
    });
  }
});

describe("readSettingsFile", () => {
  const cwd = mkdtempSync(join(tmpdir(), "troupe-settings-file-"));
  after(() => rmSync(cwd, { recursive: true }));

  it("reads nothing where there is no troupe.yaml", () => {
    assert.deepEqual(readSettingsFile(undefined, cwd), { type: "read", given: [] });
  });

  it("reads the named file", () => {
    writeFileSync(join(cwd, "other.yaml"), "port: 2");
    const origin = { type: "file", file: "other.yaml", line: 1 } as const;
    assert.deepEqual(readSettingsFile("other.yaml", cwd), {
      type: "read",
      given: [{ key: "port", text: "2", origin }],
    });
  });

  it("refuses a named file that is missing", () => {
    assert.deepEqual(readSettingsFile("no.yaml", cwd), {
      type: "refused",
      message: `Cannot start: settings file ${join(cwd, "no.yaml")} does not exist`,
    });
  });

  it("refuses what cannot be read", () => {
    mkdirSync(join(cwd, "troupe.yaml"));
    assert.deepEqual(readSettingsFile(undefined, cwd), {
      type: "refused",
      message: `Cannot start: settings file ${join(cwd, "troupe.yaml")} cannot be read (EISDIR)`,
    });
  });
});
