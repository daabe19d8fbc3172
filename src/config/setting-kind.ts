import { isIP } from "node:net";

/** How the text of one setting becomes its value, and what is said when it does not. */
export interface SettingKind<T> {
  /** Completes "must be …". */
  readonly expected: string;
  /** Stands behind the flag in the help text. */
  readonly placeholder: string;
  /** Undefined where the text is none of this kind. */
  readonly parse: (text: string) => T | undefined;
  show(value: T): string;
  /** A settings file may give a list, which is read as its items with commas between. */
  readonly takesList?: true;
  /** The text that the flag alone stands for; a value is given to it with an equals sign. */
  readonly alone?: string;
}

export function integerKind(min: number, max: number): SettingKind<number> {
  const parse = (text: string): number | undefined =>
    /^\d+$/.test(text) ? within(Number(text), min, max) : undefined;
  const expected = `an integer from ${min} to ${max}`;
  return { expected, placeholder: "<number>", parse, show: String };
}

/** Timers hold at most 2^31 - 1 ms, and fire at once beyond it: a week keeps sums of two below that. */
const weekMs = 604_800_000;

export function millisecondsKind(min: number): SettingKind<number> {
  const kind = integerKind(min, weekMs);
  return { ...kind, expected: `milliseconds, ${kind.expected}`, placeholder: "<ms>" };
}

const units = [
  { suffix: "GiB", bytes: 2 ** 30 },
  { suffix: "MiB", bytes: 2 ** 20 },
  { suffix: "KiB", bytes: 2 ** 10 },
] as const;

export function bytesKind(max: number): SettingKind<number> {
  const parse = (text: string): number | undefined => {
    const [, digits, suffix] = /^(\d+) ?(KiB|MiB|GiB)?$/.exec(text) ?? [];
    const factor = units.find((unit) => unit.suffix === suffix)?.bytes ?? 1;
    return digits === undefined ? undefined : within(Number(digits) * factor, 1, max);
  };
  const expected = `bytes, an integer from 1 to ${showBytes(max)}, plain or with KiB, MiB or GiB`;
  return { expected, placeholder: "<bytes>", parse, show: showBytes };
}

function showBytes(value: number): string {
  const unit = units.find(({ bytes }) => value >= bytes && value % bytes === 0);
  return unit === undefined ? String(value) : `${value / unit.bytes}${unit.suffix}`;
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}

export const shareKind: SettingKind<number> = {
  expected: "a number from 0 to 1",
  placeholder: "<share>",
  parse: (text) => (/^\d*\.?\d+(e-\d+)?$/i.test(text) ? within(Number(text), 0, 1) : undefined),
  show: String,
};

export const switchKind: SettingKind<boolean> = {
  expected: "true or false",
  placeholder: "",
  parse: (text) => (text === "true" || text === "false" ? text === "true" : undefined),
  show: String,
  alone: "true",
};

export function choiceKind<T extends string>(choices: readonly T[]): SettingKind<T> {
  return {
    expected: `one of ${choices.join(", ")}`,
    placeholder: "<name>",
    parse: (text) => choices.find((choice) => choice === text),
    show: String,
  };
}

function patternKind(pattern: RegExp, expected: string, placeholder: string): SettingKind<string> {
  const parse = (text: string): string | undefined => (pattern.test(text) ? text : undefined);
  return { expected, placeholder, parse, show: String };
}

export const pathKind = patternKind(/^[^\0]+$/, "a path", "<path>");

const hostName = /^(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;

export const addressKind: SettingKind<string> = {
  expected: "an IP address or a host name, without port",
  placeholder: "<address>",
  parse: (text) => (isIP(text) !== 0 || hostName.test(text) ? text : undefined),
  show: String,
};

export const nameKind = patternKind(
  /^[A-Za-z0-9._-]{1,64}$/,
  "1 to 64 letters, digits, dots, dashes or underscores",
  "<name>",
);

export const optionalNameKind = patternKind(
  /^[A-Za-z0-9._-]{0,64}$/,
  "the name of a model, or nothing",
  "<name>",
);

export const originsKind: SettingKind<readonly string[]> = {
  expected: "origins as https://app.example.com, separated by commas",
  placeholder: "<origins>",
  parse: (text) => {
    if (text.trim() === "") return [];
    const origins = text.split(",").map((part) => parseOrigin(part.trim()));
    const parsed = origins.filter((origin) => origin !== undefined);
    return parsed.length === origins.length ? parsed : undefined;
  },
  show: (origins) => origins.join(","),
  takesList: true,
};

/** As a browser sends it in `Origin`: lower case, no path, no default port. */
function parseOrigin(text: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+\/?$/i.test(text) || !URL.canParse(text)) return undefined;
  const { origin } = new URL(text);
  // Only the web's own schemes have an origin in URL's eyes; chrome-extension:// and its like are kept as written.
  return origin === "null" ? text.replace(/\/$/, "").toLowerCase() : origin;
}
