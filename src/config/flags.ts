import { type GivenSetting, type Refusal, refusal } from "./given-setting.ts";
import { flagName } from "./key-name.ts";
import { suggest } from "./nearest.ts";
import { quote } from "./quote.ts";
import { settingKeys, settingOf } from "./setting-table.ts";

export type FlagsVerdict =
  | {
      readonly type: "read";
      readonly given: readonly GivenSetting[];
      readonly configFile: string | undefined;
    }
  | { readonly type: "help" }
  | { readonly type: "version" }
  | Refusal;

/** One flag with its value, which may be the next argument. */
type Taken =
  | { readonly type: "taken"; readonly flag: string; readonly text: string; readonly next: number }
  | Refusal;

const configFlag = "--config";
const keyOfFlag = new Map(settingKeys.map((key) => [flagName(key), key]));
const valueFlags = [...keyOfFlag.keys(), configFlag];
const knownFlags = [...valueFlags, "--help", "--version"];

/** The last one of equal flags wins, so that a script's flags can be followed by one's own. */
export function readFlags(argv: readonly string[]): FlagsVerdict {
  if (argv.includes("--help") || argv.includes("-h")) return { type: "help" };
  if (argv.includes("--version")) return { type: "version" };
  const given: GivenSetting[] = [];
  let configFile: string | undefined;
  for (let at = 0; at < argv.length; ) {
    const taken = takeFlag(argv, at);
    if (taken.type === "refused") return taken;
    const { flag, text } = taken;
    const key = keyOfFlag.get(flag);
    if (key === undefined) configFile = text;
    else given.push({ key, text, origin: { type: "flag", name: flag } });
    at = taken.next;
  }
  return { type: "read", given, configFile };
}

function takeFlag(argv: readonly string[], at: number): Taken {
  const word = argv[at] ?? "";
  if (!word.startsWith("-")) {
    return refusal(`unexpected argument ${quote(word)}; settings are flags, as --port 8080`);
  }
  const equals = word.indexOf("=");
  const flag = equals < 0 ? word : word.slice(0, equals);
  if (!valueFlags.includes(flag)) {
    return refusal(`unknown flag ${quote(flag)}${suggest(flag, knownFlags)}`);
  }
  if (equals >= 0) return { type: "taken", flag, text: word.slice(equals + 1), next: at + 1 };
  const alone = standsAlone(flag);
  if (alone !== undefined) return { type: "taken", flag, text: alone, next: at + 1 };
  const text = argv[at + 1];
  return text === undefined || text.startsWith("--")
    ? refusal(`flag ${flag} needs a value`)
    : { type: "taken", flag, text, next: at + 2 };
}

function standsAlone(flag: string): string | undefined {
  const key = keyOfFlag.get(flag);
  return key === undefined ? undefined : settingOf(key).kind.alone;
}
