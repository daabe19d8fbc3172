import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { readNeighbours, unheardNeighbours } from "../../src/config/neighbour-environment.ts";
import { readSettings } from "../../src/config/settings.ts";

describe("readNeighbours", () => {
  const rows: readonly (readonly [string, string, string, string])[] = [
    ["MODEL_DIRECTORY", "/srv", "models", "/srv"],
    ["MAX_CONCURRENT_REQUESTS", "7", "maxInFlight", "7"],
    ["PREDICT_TIMEOUT_SECONDS", "2.5", "requestTimeoutMs", "2500"],
    ["PREDICT_TIMEOUT_SECONDS", "soon", "requestTimeoutMs", "soon"],
    ["HOST", "0.0.0.0", "host", "0.0.0.0"],
    ["PORT", "8000", "port", "8000"],
    ["DEBUG", "True", "logLevel", "debug"],
    ["DEBUG", "0", "logLevel", "info"],
    ["DEFAULT_MODEL", "iris", "defaultModel", "iris"],
  ];
  for (const [name, given, key, text] of rows) {
    it(`takes ${name}=${given} as ${key}`, () => {
      const origin = { type: "environment", name };
      assert.deepEqual(readNeighbours({ [name]: given, PATH: "/bin" }), [{ key, text, origin }]);
    });
  }
});

describe("readNeighbours, where a name is for somebody else,", () => {
  for (const environment of [{ DEBUG: "express:*" }, { PORT: "" }, { HOST: undefined }]) {
    it(`leaves ${JSON.stringify(environment)} alone`, () => {
      assert.deepEqual(readNeighbours(environment), []);
    });
  }
});

describe("unheardNeighbours", () => {
  for (const name of [
    "MAX_BATCH_SIZE",
    "BATCH_TIMEOUT_MS",
    "MAX_REQUESTS",
    "REQUESTS_PERIOD_SECONDS",
  ]) {
    it(`says what is done instead of ${name}`, () => {
      const [words = "", ...others] = unheardNeighbours({ [name]: "1" });
      assert.ok(words.startsWith(`${name} is not honoured: `));
      assert.deepEqual(others, []);
    });
  }
});

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync("/tmp/trt-");
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe("readSettings with a neighbour's environment", () => {
  it("reads .env, under the environment", (t) => {
    const cwd = folderWith(t, { ".env": 'PORT=1\nDEFAULT_MODEL="iris"\nTROUPE_HANG_MS=900\n' });
    const verdict = readSettings([], { PORT: "2" }, cwd, 1);
    assert.ok(verdict.type === "run");
    const { port, defaultModel, hangMs } = verdict.settings;
    assert.deepEqual([port, defaultModel, hangMs], [2, "iris", 900]);
  });

  it("lets Troupe's file and names win", (t) => {
    const cwd = folderWith(t, { "troupe.yaml": "port: 3\ncompat: { triton: true }\n" });
    const env = { PORT: "2", HOST: "::1", TROUPE_HOST: "0.0.0.0" };
    const verdict = readSettings([], env, cwd, 1);
    assert.ok(verdict.type === "run");
    const { port, host, compatTriton } = verdict.settings;
    assert.deepEqual([port, host, compatTriton], [3, "0.0.0.0", true]);
  });

  it("refuses a key of compat that is unknown, with its line", (t) => {
    const cwd = folderWith(t, { "troupe.yaml": "compat:\n  tritn: true\n" });
    const verdict = readSettings([], {}, cwd, 1);
    assert.ok(verdict.type === "refused");
    assert.match(verdict.message, /unknown key "compat_tritn".*compat_triton \(troupe.yaml:2\)/);
  });
});
