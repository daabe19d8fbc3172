import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Settings } from "../../src/config/settings.ts";
import type { DoorSettings } from "../../src/protocol/control.ts";
import { doorSettingsOf } from "../../supervisor/door-settings.ts";

const settings: Settings = {
  models: "/models",
  watch: true,
  watchMs: 18,
  host: "127.0.0.1",
  port: 1,
  grpcPort: 20,
  insecureNoAuth: false,
  frontDoors: 2,
  logLevel: "warn",
  accessLogSample: 3,
  drainMs: 4,
  drainDelayMs: 5,
  drainSequencesMs: 2,
  requestTimeoutMs: 6,
  maxRequestTimeoutMs: 7,
  maxInFlight: 8,
  maxInFlightBytes: 9,
  maxBodyBytes: 10,
  maxUploadBytes: 19,
  hangMs: 11,
  wsMaxPayloadBytes: 12,
  wsMaxInFlight: 13,
  wsPingMs: 14,
  wsIdleMs: 15,
  wsMaxBufferedBytes: 16,
  grpcMaxInFlight: 21,
  grpcMaxBufferedBytes: 22,
  allowedOrigins: ["https://example.org"],
  serverName: "troupe",
  defaultModel: "",
  compatTriton: false,
};

const server = { version: "1", startedAt: 0, run: "r" };

describe("doorSettingsOf", () => {
  it("tells a front door what concerns it", () =>
    assert.deepEqual(
      doorSettingsOf(settings, { version: "1.2.3", startedAt: 17, run: "r" }, true),
      {
        serverName: "troupe",
        version: "1.2.3",
        startedAt: 17,
        run: "r",
        management: "guarded",
        maxUploadBytes: 19,
        log: { level: "warn", pretty: true },
        accessLogSample: 3,
        requestTimeoutMs: 6,
        maxRequestTimeoutMs: 7,
        maxInFlight: 8,
        maxInFlightBytes: 9,
        maxBodyBytes: 10,
        defaultModel: null,
        compatTriton: false,
        wsMaxPayloadBytes: 12,
        wsMaxInFlight: 13,
        wsPingMs: 14,
        wsIdleMs: 15,
        wsMaxBufferedBytes: 16,
        grpcMaxInFlight: 21,
        grpcMaxBufferedBytes: 22,
        drainSequencesMs: 2,
        allowedOrigins: ["https://example.org"],
      },
    ));

  it("gives sequences no longer than leaves time to be told", () => {
    const long = { ...settings, drainMs: 1_000, drainSequencesMs: 5_000 };
    const { drainSequencesMs } = doorSettingsOf(long, server, false);
    assert.equal(drainSequencesMs, 800);
  });

  const rows: readonly (readonly [string, boolean, DoorSettings["management"]])[] = [
    ["localhost", false, "guarded"],
    ["LocalHost", false, "guarded"],
    ["127.0.0.1", false, "guarded"],
    ["127.255.3.4", false, "guarded"],
    ["::1", false, "guarded"],
    ["0:0:0:0:0:0:0:1", false, "guarded"],
    ["::ffff:127.0.0.1", false, "guarded"],
    ["0.0.0.0", false, "off"],
    ["::", false, "off"],
    ["128.0.0.1", false, "off"],
    ["::2", false, "off"],
    ["127.0.0.1.example.org", false, "off"],
    ["localhost.example.org", false, "off"],
    ["0.0.0.0", true, "open"],
    ["127.0.0.1", true, "open"],
  ];
  for (const [host, insecureNoAuth, management] of rows) {
    const words = insecureNoAuth ? " without authentication" : "";
    it(`says that management is ${management} on ${host}${words}`, () => {
      const given = { ...settings, host, insecureNoAuth };
      assert.equal(doorSettingsOf(given, server, false).management, management);
    });
  }
});
