import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { Environment } from "../../src/config/environment.ts";
import { type Origins, readSettings, type Settings } from "../../src/config/settings.ts";

const cwd = mkdtempSync(join(tmpdir(), "troupe-settings-"));
const withFile = mkdtempSync(join(tmpdir(), "troupe-settings-"));
writeFileSync(join(withFile, "troupe.yaml"), "host: 0.0.0.0\nport: 1\nhang_ms: 700\n");
after(() => {
  for (const folder of [cwd, withFile]) rmSync(folder, { recursive: true });
});

interface Given {
  readonly argv?: readonly string[];
  readonly env?: Environment;
  readonly cwd?: string;
  readonly cores?: number;
}

function run(given: Given): { readonly settings: Settings; readonly origins: Origins } {
  const { argv = [], env = {}, cores = 2 } = given;
  const verdict = readSettings(argv, env, given.cwd ?? cwd, cores);
  assert.equal(verdict.type, "run", JSON.stringify(verdict));
  if (verdict.type !== "run") throw new Error("unreachable");
  return verdict;
}

describe("readSettings", () => {
  it("has a default for everything", () => {
    assert.deepEqual(run({}).settings, {
      models: join(cwd, "models"),
      watch: false,
      watchMs: 1000,
      host: "127.0.0.1",
      port: 8080,
      grpcPort: 8081,
      insecureNoAuth: false,
      frontDoors: 1,
      logLevel: "info",
      accessLogSample: 1,
      drainMs: 15_000,
      drainDelayMs: 0,
      drainSequencesMs: 5000,
      requestTimeoutMs: 15_000,
      maxRequestTimeoutMs: 60_000,
      maxInFlight: 1024,
      maxInFlightBytes: 268_435_456,
      maxBodyBytes: 33_554_432,
      maxUploadBytes: 536_870_912,
      hangMs: 5000,
      wsMaxPayloadBytes: 16_777_216,
      wsMaxInFlight: 64,
      wsPingMs: 15_000,
      wsIdleMs: 300_000,
      wsMaxBufferedBytes: 4_194_304,
      grpcMaxInFlight: 64,
      grpcMaxBufferedBytes: 4_194_304,
      allowedOrigins: [],
      serverName: "troupe",
      defaultModel: "",
      compatTriton: false,
    } satisfies Settings);
  });

  for (const [cores, frontDoors] of [
    [1, 1],
    [4, 1],
    [7, 1],
    [8, 2],
    [64, 16],
  ] as const) {
    it(`starts ${frontDoors} front doors on ${cores} cores`, () => {
      assert.equal(run({ cores }).settings.frontDoors, frontDoors);
    });
  }

  it("lets flags win over environment over file over defaults", () => {
    const env = { TROUPE_PORT: "2", TROUPE_HANG_MS: "800" };
    const { settings, origins } = run({ argv: ["--port", "3"], env, cwd: withFile });
    const { port, hangMs, host, drainMs } = settings;
    assert.deepEqual(
      { port, hangMs, host, drainMs },
      { port: 3, hangMs: 800, host: "0.0.0.0", drainMs: 15_000 },
    );
    assert.deepEqual(
      [origins.port, origins.hangMs, origins.host, origins.drainMs],
      [
        { type: "flag", name: "--port" },
        { type: "environment", name: "TROUPE_HANG_MS" },
        { type: "file", file: "troupe.yaml", line: 1 },
        { type: "default" },
      ],
    );
  });

  it("lets the last of two equal flags win", () => {
    assert.equal(run({ argv: ["--port=1", "--port=2"] }).settings.port, 2);
  });

  const switches: readonly (readonly [Given, boolean])[] = [
    [{}, false],
    [{ argv: ["--watch"] }, true],
    [{ argv: ["--watch=false"], env: { TROUPE_WATCH: "true" } }, false],
    [{ env: { TROUPE_WATCH: "true" } }, true],
    [{ env: { TROUPE_WATCH: "false" } }, false],
  ];
  for (const [given, watch] of switches) {
    it(`has watch ${watch} with ${JSON.stringify(given)}`, () => {
      assert.equal(run(given).settings.watch, watch);
    });
  }

  for (const [models, expected] of [
    ["a/../b", join(cwd, "b")],
    ["/srv/models", "/srv/models"],
  ] as const) {
    it(`makes the models folder ${models} absolute`, () => {
      assert.equal(run({ argv: ["--models", models] }).settings.models, expected);
    });
  }

  it("takes the settings file from the environment, and from the flag before that", () => {
    writeFileSync(join(cwd, "a.yaml"), "port: 11");
    writeFileSync(join(cwd, "b.yaml"), "port: 12");
    const env = { TROUPE_CONFIG: "a.yaml" };
    assert.equal(run({ env }).settings.port, 11);
    assert.equal(run({ env, argv: ["--config", "b.yaml"] }).settings.port, 12);
  });

  it("answers a call for help before all else", () => {
    const verdict = readSettings(["--prot", "--help"], {}, cwd, 2);
    assert.match(verdict.type === "help" ? verdict.text : "", /^Usage: troupe/);
  });

  it("answers a call for the version", () => {
    const verdict = readSettings(["--version"], {}, cwd, 2);
    assert.match(verdict.type === "version" ? verdict.text : "", /^troupe \d/);
  });

  const refused: readonly (readonly [Given, string])[] = [
    [{ argv: ["--prot", "1"] }, 'unknown flag "--prot", the nearest known one is --port'],
    [
      { argv: ["--port", "65536"] },
      'port must be an integer from 0 to 65535, got "65536" (flag --port)',
    ],
    [
      { env: { TROUPE_HANG_MS: "5s" } },
      'hang-ms must be milliseconds, an integer from 500 to 604800000, got "5s" (environment TROUPE_HANG_MS)',
    ],
    [
      { env: { TROUPE_PORT: "x" }, argv: ["--port", "1"] },
      'port must be an integer from 0 to 65535, got "x" (environment TROUPE_PORT)',
    ],
    [
      { env: { TROUPE_INSECURE_NO_AUTH: "1" } },
      'insecure-no-auth must be true or false, got "1" (environment TROUPE_INSECURE_NO_AUTH)',
    ],
    [{ argv: ["--watch="] }, 'watch must be true or false, got "" (flag --watch)'],
    [
      { argv: ["--watch-ms", "99"] },
      'watch-ms must be milliseconds, an integer from 100 to 604800000, got "99" (flag --watch-ms)',
    ],
    [
      { argv: ["--max-upload-bytes=1025GiB"] },
      'max-upload-bytes must be bytes, an integer from 1 to 1024GiB, plain or with KiB, MiB or GiB, got "1025GiB" (flag --max-upload-bytes)',
    ],
    [
      { argv: ["--config", "c.yaml"] },
      'port must be an integer from 0 to 65535, got "-1" (c.yaml:2)',
    ],
    [
      { argv: ["--max-request-timeout-ms", "5"] },
      "max-request-timeout-ms must be at least request-timeout-ms (15000, default), got 5 (flag --max-request-timeout-ms)",
    ],
    [
      { env: { TROUPE_REQUEST_TIMEOUT_MS: "60001" } },
      "max-request-timeout-ms must be at least request-timeout-ms (60001, environment TROUPE_REQUEST_TIMEOUT_MS), got 60000 (default)",
    ],
  ];
  for (const [given, words] of refused) {
    it(`refuses as ${words}`, () => {
      writeFileSync(join(cwd, "c.yaml"), "host: ::1\nport: -1");
      const { argv = [], env = {} } = given;
      const message = `Cannot start: ${words}`;
      assert.deepEqual(readSettings(argv, env, cwd, 2), { type: "refused", message });
    });
  }
});
