import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type GivenSetting, type Refusal, refusal } from "./given-setting.ts";
import { snakeCase } from "./key-name.ts";
import { suggest } from "./nearest.ts";
import { quote } from "./quote.ts";
import { type SettingKey, settingKeys, settingOf } from "./setting-table.ts";
import { describeYaml, parseYaml, type YamlEntry, type YamlNode } from "./yaml-tree.ts";

export type SettingsFileVerdict =
  | { readonly type: "read"; readonly given: readonly GivenSetting[] }
  | Refusal;

const keyOfName = new Map(settingKeys.map((key) => [snakeCase(key), key]));
const knownNames = [...keyOfName.keys()];

const usualFile = "troupe.yaml";

/** Reads the named file, or troupe.yaml in the working folder if there is one. */
export function readSettingsFile(named: string | undefined, cwd: string): SettingsFileVerdict {
  const file = named ?? usualFile;
  const path = resolve(cwd, file);
  try {
    return parseSettingsFile(readFileSync(path, "utf8"), file);
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    if (code !== "ENOENT") return refusal(`settings file ${path} cannot be read (${code})`);
    if (named !== undefined) return refusal(`settings file ${path} does not exist`);
    return { type: "read", given: [] };
  }
}

/** `file` is the name for messages. */
export function parseSettingsFile(text: string, file: string): SettingsFileVerdict {
  const verdict = parseYaml(text);
  if (verdict.type === "malformed") {
    return refusal(`not valid YAML: ${verdict.reason} (${file}:${verdict.line})`);
  }
  const { root } = verdict;
  if (isNothing(root)) return { type: "read", given: [] };
  if (root.type !== "map") {
    return refusal(`settings must be a map, got ${describeYaml(root)} (${file}:${root.line})`);
  }
  const entries = root.entries.flatMap(inSection);
  const stranger = entries.find(({ key }) => !keyOfName.has(key));
  if (stranger !== undefined) {
    const words = `unknown key ${quote(stranger.key)}${suggest(stranger.key, knownNames)}`;
    return refusal(`${words} (${file}:${stranger.line})`);
  }
  const given = entries.flatMap(({ key: name, value, line }): GivenSetting[] => {
    const key = keyOfName.get(name);
    if (key === undefined || isNothing(value)) return [];
    return [{ key, text: textOf(value, key), origin: { type: "file", file, line } }];
  });
  return { type: "read", given };
}

/** `compat: { triton: true }` is `compat_triton: true`. */
function inSection(entry: YamlEntry): readonly YamlEntry[] {
  const { key: section, value } = entry;
  if (value.type !== "map" || keyOfName.has(section)) return [entry];
  return value.entries.map((one) => ({ ...one, key: `${section}_${one.key}` }));
}

function textOf(node: YamlNode, key: SettingKey): string {
  if (node.type === "scalar") return node.text;
  const { takesList } = settingOf(key).kind;
  const texts = node.type === "list" && takesList ? node.items.map(textOfItem) : [undefined];
  return texts.includes(undefined) ? describeYaml(node) : texts.join(",");
}

function textOfItem(node: YamlNode): string | undefined {
  return node.type === "scalar" ? node.text : undefined;
}

/** A key with nothing behind it is the same as no key. */
function isNothing(node: YamlNode): boolean {
  return node.type === "scalar" && node.value === null;
}
