import type { Settings } from "../src/config/settings.ts";
import type { DoorSettings } from "../src/protocol/control.ts";

/** Sockets whose sequences are ended need the rest to be told and closed. */
const drainShare = 0.8;

/** What of the settings a front door is told. */
export function doorSettingsOf(
  settings: Settings,
  server: Pick<DoorSettings, "version" | "startedAt">,
  pretty: boolean,
): DoorSettings {
  return {
    serverName: settings.serverName,
    ...server,
    log: { level: settings.logLevel, pretty },
    accessLogSample: settings.accessLogSample,
    requestTimeoutMs: settings.requestTimeoutMs,
    maxRequestTimeoutMs: settings.maxRequestTimeoutMs,
    maxInFlight: settings.maxInFlight,
    maxInFlightBytes: settings.maxInFlightBytes,
    maxBodyBytes: settings.maxBodyBytes,
    wsMaxPayloadBytes: settings.wsMaxPayloadBytes,
    wsMaxInFlight: settings.wsMaxInFlight,
    wsPingMs: settings.wsPingMs,
    wsIdleMs: settings.wsIdleMs,
    wsMaxBufferedBytes: settings.wsMaxBufferedBytes,
    drainSequencesMs: Math.min(
      settings.drainSequencesMs,
      Math.floor(settings.drainMs * drainShare),
    ),
    allowedOrigins: settings.allowedOrigins,
  };
}
