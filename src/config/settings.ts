import { resolve } from "node:path";
import type { LogLevel } from "../protocol/control.ts";
import { withEnvFile } from "./env-file.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { readFlags } from "./flags.ts";
import {
  describeOrigin,
  type GivenSetting,
  type Origin,
  type Refusal,
  refusal,
} from "./given-setting.ts";
import { snakeCase } from "./key-name.ts";
import { readNeighbours, unheardNeighbours } from "./neighbour-environment.ts";
import { readProductVersion } from "./product-version.ts";
import { quote } from "./quote.ts";
import { type SettingTable, settingKeys, settingTable } from "./setting-table.ts";
import { readSettingsFile } from "./settings-file.ts";
import { helpText } from "./settings-page.ts";

/** What the server is told at its start, complete; the meaning of each stands in the table of settings. */
export interface Settings {
  /** An absolute path. */
  readonly models: string;
  readonly watch: boolean;
  readonly watchMs: number;
  readonly host: string;
  readonly port: number;
  /** 0 means none. */
  readonly grpcPort: number;
  readonly insecureNoAuth: boolean;
  readonly frontDoors: number;
  readonly logLevel: LogLevel;
  /** A share from 0 to 1. */
  readonly accessLogSample: number;
  readonly drainMs: number;
  readonly drainDelayMs: number;
  readonly drainSequencesMs: number;
  readonly requestTimeoutMs: number;
  readonly maxRequestTimeoutMs: number;
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  readonly maxBodyBytes: number;
  readonly maxUploadBytes: number;
  readonly hangMs: number;
  readonly wsMaxPayloadBytes: number;
  readonly wsMaxInFlight: number;
  readonly wsPingMs: number;
  /** 0 means never. */
  readonly wsIdleMs: number;
  readonly wsMaxBufferedBytes: number;
  readonly grpcMaxInFlight: number;
  readonly grpcMaxBufferedBytes: number;
  /** Empty means every origin. */
  readonly allowedOrigins: readonly string[];
  readonly serverName: string;
  /** Empty where there is none. */
  readonly defaultModel: string;
  readonly compatTriton: boolean;
}

export type Origins = { readonly [K in keyof Settings]: Origin };

export type SettingsVerdict =
  | {
      readonly type: "run";
      readonly settings: Settings;
      readonly origins: Origins;
      readonly warnings: readonly string[];
    }
  | { readonly type: "help"; readonly text: string }
  | { readonly type: "version"; readonly text: string }
  | Refusal;

interface Machine {
  readonly cwd: string;
  readonly cores: number;
  /** What somebody who set the environment should know, a sentence each. */
  readonly warnings: readonly string[];
}

interface Valued {
  readonly value: unknown;
  readonly origin: Origin;
}

/** Refuses a setting of the table that the interface does not have, and the other way round. */
const table: SettingTable<Settings> = settingTable;
const keys: readonly (keyof Settings)[] = settingKeys;

/** Flags win over environment over file over defaults; what is overridden must still be valid. */
export function readSettings(
  argv: readonly string[],
  env: Environment,
  cwd: string,
  cores: number,
): SettingsVerdict {
  const flags = readFlags(argv);
  if (flags.type === "help") return { type: "help", text: helpText(cores) };
  if (flags.type === "version") return { type: "version", text: `troupe ${readProductVersion()}` };
  if (flags.type === "refused") return flags;
  const told = withEnvFile(env, cwd);
  if (told.type === "refused") return told;
  const environment = readEnvironment(told.environment);
  if (environment.type === "refused") return environment;
  const file = readSettingsFile(flags.configFile ?? environment.configFile, cwd);
  if (file.type === "refused") return file;
  // Below the file: a name such as HOST may stand there for somebody else.
  const neighbours = readNeighbours(told.environment);
  const given = [...neighbours, ...file.given, ...environment.given, ...flags.given];
  return settle(given, { cwd, cores, warnings: unheardNeighbours(told.environment) });
}

/** The later of two givens of one setting wins. */
function settle(given: readonly GivenSetting[], machine: Machine): SettingsVerdict {
  const valued = new Map<keyof Settings, Valued>();
  for (const one of given) {
    const value = table[one.key].kind.parse(one.text);
    if (value === undefined) return refusal(badValue(one));
    valued.set(one.key, { value, origin: one.origin });
  }
  return complete(valued, machine);
}

function badValue({ key, text, origin }: GivenSetting): string {
  const { expected } = table[key].kind;
  return `${wordFor(key)} must be ${expected}, got ${quote(text)} (${describeOrigin(origin)})`;
}

function wordFor(key: keyof Settings): string {
  return snakeCase(key).replaceAll("_", "-");
}

function complete(valued: ReadonlyMap<keyof Settings, Valued>, machine: Machine): SettingsVerdict {
  const all = keys.map((key): [keyof Settings, Valued] => [
    key,
    valued.get(key) ?? { value: table[key].fallback(machine.cores), origin: { type: "default" } },
  ]);
  // The table has each key of the interface, and each kind gives its key's type.
  const settings = Object.fromEntries(
    all.map(([key, { value }]) => [key, value]),
  ) as unknown as Settings;
  const origins = Object.fromEntries(
    all.map(([key, { origin }]) => [key, origin]),
  ) as unknown as Origins;
  const contradiction = findContradiction(settings, origins);
  if (contradiction !== undefined) return refusal(contradiction);
  const models = resolve(machine.cwd, settings.models);
  const { warnings } = machine;
  return { type: "run", settings: { ...settings, models }, origins, warnings };
}

function findContradiction(settings: Settings, origins: Origins): string | undefined {
  const { requestTimeoutMs: usual, maxRequestTimeoutMs: most } = settings;
  if (most >= usual) return undefined;
  const floor = `${wordFor("requestTimeoutMs")} (${usual}, ${describeOrigin(origins.requestTimeoutMs)})`;
  const got = `${most} (${describeOrigin(origins.maxRequestTimeoutMs)})`;
  return `${wordFor("maxRequestTimeoutMs")} must be at least ${floor}, got ${got}`;
}
