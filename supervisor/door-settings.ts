import { BlockList, isIP } from "node:net";
import type { Settings } from "../src/config/settings.ts";
import type { DoorSettings } from "../src/protocol/control.ts";

/** Sockets whose sequences are ended need the rest to be told and closed. */
const drainShare = 0.8;

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === "localhost";
  return loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}

/** Behind an address that other machines reach nobody changes models, unless its owner said so. */
function managementOf({ insecureNoAuth, host }: Settings): DoorSettings["management"] {
  if (insecureNoAuth) return "open";
  return isLoopback(host) ? "guarded" : "off";
}

/** What of the settings a front door is told. */
export function doorSettingsOf(
  settings: Settings,
  server: Pick<DoorSettings, "version" | "startedAt" | "run">,
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
    management: managementOf(settings),
    maxUploadBytes: settings.maxUploadBytes,
    maxBodyBytes: settings.maxBodyBytes,
    defaultModel: settings.defaultModel === "" ? null : settings.defaultModel,
    compatTriton: settings.compatTriton,
    wsMaxPayloadBytes: settings.wsMaxPayloadBytes,
    wsMaxInFlight: settings.wsMaxInFlight,
    wsPingMs: settings.wsPingMs,
    wsIdleMs: settings.wsIdleMs,
    wsMaxBufferedBytes: settings.wsMaxBufferedBytes,
    grpcMaxInFlight: settings.grpcMaxInFlight,
    grpcMaxBufferedBytes: settings.grpcMaxBufferedBytes,
    drainSequencesMs: Math.min(
      settings.drainSequencesMs,
      Math.floor(settings.drainMs * drainShare),
    ),
    allowedOrigins: settings.allowedOrigins,
  };
}
