import { environmentName, flagName, snakeCase } from "./key-name.ts";
import { type SettingKey, settingKeys, settingOf } from "./setting-table.ts";

const usage = `Usage: troupe [serve] [flags]

Serves the ONNX models of a folder over HTTP, WebSocket and gRPC. Other commands: troupe help

Flags (default in brackets):`;

const closing = `Each flag can also be given in the environment (--max-body-bytes as TROUPE_MAX_BODY_BYTES) or in
troupe.yaml in the working folder (as max_body_bytes). Flags win over environment over file.
Bytes are integers, plain or with KiB, MiB or GiB; times are milliseconds.`;

const others = [
  { flag: "--config <path>", help: "settings file instead of troupe.yaml" },
  { flag: "--help", help: "print this text" },
  { flag: "--version", help: "print the version" },
];

export function helpText(cores: number): string {
  const rows = settingKeys.map((key) => ({
    flag: `${flagName(key)} ${settingOf(key).kind.placeholder}`.trimEnd(),
    help: `${settingOf(key).help} [${shownDefault(key, cores)}]`,
  }));
  const all = [...rows, ...others];
  const width = Math.max(...all.map(({ flag }) => flag.length));
  const lines = all.map(({ flag, help }) => `  ${flag.padEnd(width)}  ${help}`);
  return [usage, ...lines, "", closing, ""].join("\n");
}

/** The settings as the README lists them. */
export function settingsMarkdown(): string {
  const rows = settingKeys.map((key) => {
    const spellings = [flagName(key), environmentName(key), snakeCase(key)];
    const { help, fallbackText } = settingOf(key);
    const fallback = fallbackText ?? code(shownDefault(key, 1));
    return `| ${spellings.map(code).join(" | ")} | ${fallback} | ${help} |`;
  });
  const head = [
    "| flag | environment | troupe.yaml | default | meaning |",
    "| --- | --- | --- | --- | --- |",
  ];
  return [...head, ...rows, ""].join("\n");
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

function shownDefault(key: SettingKey, cores: number): string {
  const { kind, fallback } = settingOf(key);
  return kind.show(fallback(cores));
}
