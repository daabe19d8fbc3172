import { isMap, isScalar, isSeq, LineCounter, type Scalar, type YAMLMap } from "yaml";
import { quote, shorten } from "./quote.ts";
import { keyText, openYaml } from "./yaml-document.ts";

/** A YAML file as plain values that remember their line and how they were written. */
export type YamlNode =
  | {
      readonly type: "scalar";
      readonly value: string | number | boolean | null;
      /** As it stands in the file: `1.10` and `007` keep their zeros. */
      readonly text: string;
      readonly line: number;
    }
  | { readonly type: "list"; readonly items: readonly YamlNode[]; readonly line: number }
  | { readonly type: "map"; readonly entries: readonly YamlEntry[]; readonly line: number };

export interface YamlEntry {
  readonly key: string;
  readonly value: YamlNode;
  readonly line: number;
}

export type YamlVerdict =
  | { readonly type: "parsed"; readonly root: YamlNode }
  | { readonly type: "malformed"; readonly line: number; readonly reason: string };

type LineOf = (offset: number | undefined) => number;

/**
 * YAML 1.2 without aliases and tags, as settings have no use for what can make a small file large or a value an object.
 * An empty text is the scalar null.
 */
export function parseYaml(text: string): YamlVerdict {
  const opened = openYaml(text);
  if (opened.type === "malformed") return opened;
  return { type: "parsed", root: toTree(opened.document.contents, countLines(text)) };
}

function countLines(text: string): LineOf {
  const counter = new LineCounter();
  counter.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) counter.addNewLine(index + 1);
  return (offset = 0) => counter.linePos(offset).line;
}

function toTree(node: unknown, lineOf: LineOf): YamlNode {
  if (isMap(node)) return mapTree(node, lineOf);
  if (isSeq(node)) {
    const items = node.items.map((item) => toTree(item, lineOf));
    return { type: "list", items, line: lineOf(node.range?.[0]) };
  }
  if (isScalar(node)) return scalarTree(node, lineOf);
  return { type: "scalar", value: null, text: "", line: 1 };
}

function mapTree(map: YAMLMap, lineOf: LineOf): YamlNode {
  const entries = map.items.map(({ key, value }) => {
    const name = key as Scalar;
    return {
      key: keyText(name),
      value: toTree(value, lineOf),
      line: lineOf(name.range?.[0]),
    };
  });
  return { type: "map", entries, line: lineOf(map.range?.[0]) };
}

function scalarTree(scalar: Scalar, lineOf: LineOf): YamlNode {
  const { value, source } = scalar;
  const line = lineOf(scalar.range?.[0]);
  if (typeof value === "number" || typeof value === "boolean") {
    return { type: "scalar", value, text: source ?? String(value), line };
  }
  return typeof value === "string"
    ? { type: "scalar", value, text: value, line }
    : { type: "scalar", value: null, text: source ?? "", line };
}

/** How a value that was not expected is called in a message, in one short line. */
export function describeYaml(node: YamlNode): string {
  if (node.type !== "scalar") return `a ${node.type}`;
  if (node.value === null) return "nothing";
  return typeof node.value === "string" ? quote(node.value) : shorten(node.text);
}

/** The value under these keys, each in the map of the one before; undefined where there is none. */
export function nodeAt(root: YamlNode, path: readonly string[]): YamlNode | undefined {
  let node: YamlNode | undefined = root;
  for (const key of path) {
    if (node?.type !== "map") return undefined;
    node = node.entries.find((entry) => entry.key === key)?.value;
  }
  return node;
}
