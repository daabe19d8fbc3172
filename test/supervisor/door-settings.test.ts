import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Settings } from "../../src/config/settings.ts";
import { doorSettingsOf } from "../../supervisor/door-settings.ts";

const settings: Settings = {
  models: "/models",
  host: "127.0.0.1",
  port: 1,
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
  hangMs: 11,
  wsMaxPayloadBytes: 12,
  wsMaxInFlight: 13,
  wsPingMs: 14,
  wsIdleMs: 15,
  wsMaxBufferedBytes: 16,
  allowedOrigins: ["https://example.org"],
  serverName: "troupe",
};

describe("doorSettingsOf", () => {
  it("tells a front door what concerns it", () =>
    assert.deepEqual(doorSettingsOf(settings, { version: "1.2.3", startedAt: 17 }, true), {
      serverName: "troupe",
      version: "1.2.3",
      startedAt: 17,
      log: { level: "warn", pretty: true },
      accessLogSample: 3,
      requestTimeoutMs: 6,
      maxRequestTimeoutMs: 7,
      maxInFlight: 8,
      maxInFlightBytes: 9,
      maxBodyBytes: 10,
      wsMaxPayloadBytes: 12,
      wsMaxInFlight: 13,
      wsPingMs: 14,
      wsIdleMs: 15,
      wsMaxBufferedBytes: 16,
      drainSequencesMs: 2,
      allowedOrigins: ["https://example.org"],
    }));

  it("gives sequences no longer than leaves time to be told", () => {
    const long = { ...settings, drainMs: 1_000, drainSequencesMs: 5_000 };
    const { drainSequencesMs } = doorSettingsOf(long, { version: "1", startedAt: 0 }, false);
    assert.equal(drainSequencesMs, 800);
  });
});
