import { logLevels } from "../protocol/control.ts";
import {
  addressKind,
  bytesKind,
  choiceKind,
  integerKind,
  millisecondsKind,
  nameKind,
  optionalNameKind,
  originsKind,
  pathKind,
  type SettingKind,
  shareKind,
  switchKind,
} from "./setting-kind.ts";

export interface Setting<T> {
  readonly kind: SettingKind<T>;
  /** May depend on the number of cores. */
  readonly fallback: (cores: number) => T;
  /** Where the fallback depends on the machine: how it is said in the documentation. */
  readonly fallbackText?: string;
  readonly help: string;
}

export type SettingTable<T> = { readonly [K in keyof T]: Setting<T[K]> };

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
const maxCount = 1_000_000;

function setting<T>(kind: SettingKind<T>, fallback: T, help: string): Setting<T> {
  return { kind, fallback: () => fallback, help };
}

/** One up to four cores, then a quarter: the hosts need the others. */
function frontDoorsFor(cores: number): number {
  return Math.max(1, Math.floor(cores / 4));
}

/** The one list of server settings: flags, environment, troupe.yaml, help and documentation follow from it. */
export const settingTable = {
  models: setting(pathKind, "models", "folder of the models, from the working folder"),
  watch: setting(
    switchKind,
    false,
    "pick up models that are added, changed or removed in the folder",
  ),
  watchMs: setting(millisecondsKind(100), 1000, "time between looks at the models folder, ms"),
  host: setting(addressKind, "127.0.0.1", "address to listen on"),
  port: setting(integerKind(0, 65_535), 8080, "port to listen on; 0 picks a free one"),
  grpcPort: setting(integerKind(0, 65_535), 8081, "port of gRPC; 0 turns it off"),
  insecureNoAuth: setting(
    switchKind,
    false,
    "let anyone who reaches the port change models, from any machine",
  ),
  frontDoors: {
    kind: integerKind(1, 256),
    fallback: frontDoorsFor,
    fallbackText: "cores / 4, at least 1",
    help: "processes that take requests",
  },
  logLevel: setting(choiceKind(logLevels), "info", `lowest level logged: ${logLevels.join(", ")}`),
  accessLogSample: setting(shareKind, 1, "share of successful requests logged, 0 to 1"),
  drainMs: setting(
    millisecondsKind(0),
    15_000,
    "longest wait for requests in flight at a stop, ms",
  ),
  drainDelayMs: setting(
    millisecondsKind(0),
    0,
    "how long requests are still taken after the signal to stop, ms",
  ),
  drainSequencesMs: setting(
    millisecondsKind(0),
    5000,
    "longest wait for sequences that are open at a stop, ms",
  ),
  requestTimeoutMs: setting(
    millisecondsKind(1),
    15_000,
    "deadline of a request that names none, ms from its arrival",
  ),
  maxRequestTimeoutMs: setting(millisecondsKind(1), 60_000, "longest deadline a request gets, ms"),
  maxInFlight: setting(
    integerKind(1, maxCount),
    1024,
    "requests in flight at once, in each front door",
  ),
  maxInFlightBytes: setting(
    bytesKind(1024 * gibibyte),
    256 * mebibyte,
    "bodies of requests in flight at once, in each front door, bytes",
  ),
  maxBodyBytes: setting(bytesKind(gibibyte), 32 * mebibyte, "largest body of a request, bytes"),
  maxUploadBytes: setting(
    bytesKind(1024 * gibibyte),
    512 * mebibyte,
    "largest model that can be uploaded, bytes",
  ),
  hangMs: setting(millisecondsKind(500), 5000, "silence after which a process is killed, ms"),
  wsMaxPayloadBytes: setting(
    bytesKind(gibibyte),
    16 * mebibyte,
    "largest WebSocket message, bytes",
  ),
  wsMaxInFlight: setting(integerKind(1, maxCount), 64, "requests in flight on one WebSocket"),
  wsPingMs: setting(millisecondsKind(1), 15_000, "time between pings on a WebSocket, ms"),
  wsIdleMs: setting(
    millisecondsKind(0),
    300_000,
    "silence after which a WebSocket is closed, ms; 0 means never",
  ),
  wsMaxBufferedBytes: setting(
    bytesKind(gibibyte),
    4 * mebibyte,
    "answers waiting for a slow reader on one WebSocket, bytes",
  ),
  grpcMaxInFlight: setting(integerKind(1, maxCount), 64, "requests in flight on one gRPC stream"),
  grpcMaxBufferedBytes: setting(
    bytesKind(gibibyte),
    4 * mebibyte,
    "answers waiting for a slow reader on one gRPC stream, bytes",
  ),
  allowedOrigins: setting(
    originsKind,
    [],
    "origins that may open a WebSocket, separated by commas; none means every origin",
  ),
  serverName: setting(nameKind, "troupe", "name of the server in GET /v2"),
  defaultModel: setting(
    optionalNameKind,
    "",
    "model of a POST /infer that names none; none means that each must",
  ),
  compatTriton: setting(
    switchKind,
    false,
    "refuse under /v2 as Triton does (compat: { triton: true })",
  ),
} as const;

export type SettingKey = keyof typeof settingTable;

const anySetting: SettingTable<Record<SettingKey, unknown>> = settingTable;

/** One of the table whose type of value does not matter. */
export function settingOf(key: SettingKey): Setting<unknown> {
  return anySetting[key];
}

export const settingKeys = Object.keys(settingTable) as SettingKey[];
