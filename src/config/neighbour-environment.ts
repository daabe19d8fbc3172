/* Environment names of neighbouring servers, and which setting of Troupe's each is. */
import type { GivenSetting } from "./given-setting.ts";
import type { SettingKey } from "./setting-table.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface Alias {
  readonly key: SettingKey;
  /** The text as Troupe's own setting would have it, where it is wrong too; undefined where it is for somebody else. */
  readonly translate: (text: string) => string | undefined;
}

function alias(key: SettingKey, translate: Alias["translate"] = (text) => text): Alias {
  return { key, translate };
}

function milliseconds(text: string): string {
  return /^\d+(\.\d+)?$/.test(text) ? String(Math.round(Number(text) * 1_000)) : text;
}

/** Libraries of Node's hear DEBUG too, which is a list of their names then. */
function levelOf(text: string): string | undefined {
  if (/^(?:1|true|yes|on)$/i.test(text)) return "debug";
  return /^(?:0|false|no|off)$/i.test(text) ? "info" : undefined;
}

const aliases: ReadonlyMap<string, Alias> = new Map([
  ["MODEL_DIRECTORY", alias("models")],
  ["MAX_CONCURRENT_REQUESTS", alias("maxInFlight")],
  ["PREDICT_TIMEOUT_SECONDS", alias("requestTimeoutMs", milliseconds)],
  ["HOST", alias("host")],
  ["PORT", alias("port")],
  ["DEBUG", alias("logLevel", levelOf)],
  ["DEFAULT_MODEL", alias("defaultModel")],
]);

/** What Troupe says elsewhere, or not at all. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ["MAX_BATCH_SIZE", "batching.max_batch_size in a model.yaml is each model's own"],
  ["BATCH_TIMEOUT_MS", "batching.max_queue_delay_ms in a model.yaml is each model's own"],
  ["MAX_REQUESTS", "clients are not counted; admission sheds what would be late"],
  ["REQUESTS_PERIOD_SECONDS", "clients are not counted; admission sheds what would be late"],
]);

/** All of them give way to Troupe's own names, and to its file. */
export function readNeighbours(environment: Environment): readonly GivenSetting[] {
  return [...aliases].flatMap(([name, { key, translate }]) => {
    const said = environment[name];
    const text = said === undefined || said === "" ? undefined : translate(said);
    return text === undefined ? [] : [{ key, text, origin: { type: "environment", name } }];
  });
}

/** Which of the names that are set nothing is done for, and what is done instead. */
export function unheardNeighbours(environment: Environment): readonly string[] {
  return [...elsewhere].flatMap(([name, words]) =>
    environment[name] === undefined ? [] : [`${name} is not honoured: ${words}`],
  );
}
