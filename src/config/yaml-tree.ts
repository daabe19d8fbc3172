import {
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from "yaml";

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

const maxNesting = 32;

type LineOf = (offset: number | undefined) => number;

interface Fault {
  readonly offset: number | undefined;
  readonly reason: string;
}

/**
 * YAML 1.2 without aliases and tags, as settings have no use for what can make a small file large or a value an object.
 * An empty text is the scalar null.
 */
export function parseYaml(text: string): YamlVerdict {
  const lineOf = countLines(text);
  const early = scan(text);
  if (early !== undefined) return malformed(early, lineOf);
  const document = parseDocument(text, {
    prettyErrors: false,
    schema: "core",
    resolveKnownTags: false,
  });
  const complaint = document.errors[0] ?? document.warnings[0];
  const fault: Fault | undefined = complaint
    ? { offset: complaint.pos[0], reason: complaint.message }
    : forbidden(document.contents);
  return fault
    ? malformed(fault, lineOf)
    : { type: "parsed", root: toTree(document.contents, lineOf) };
}

function countLines(text: string): LineOf {
  const counter = new LineCounter();
  counter.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) counter.addNewLine(index + 1);
  return (offset = 0) => counter.linePos(offset).line;
}

function malformed({ offset, reason }: Fault, lineOf: LineOf): YamlVerdict {
  return { type: "malformed", line: lineOf(offset), reason };
}

/**
 * The first broken or too deep place, found before the tree is composed: composing is recursive, and ten thousand
 * brackets end the whole process there; and it makes an Error of every fault, for seconds where there are many.
 */
function scan(text: string): Fault | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      if (token.type === "error") return { offset: token.offset, reason: token.message };
    }
    if (parser.stack.length > maxNesting) {
      return { offset: parser.offset, reason: `more than ${maxNesting} levels deep` };
    }
  }
  return undefined;
}

function forbidden(contents: Node | null): Fault | undefined {
  let fault: Fault | undefined;
  visit(contents, {
    Alias: (_, alias) => {
      fault ??= { offset: alias.range?.[0], reason: "aliases are not supported" };
    },
    Pair: (_, pair) => {
      if (isScalar(pair.key)) return;
      fault ??= { offset: 0, reason: "a key must be a plain word" };
    },
  });
  return fault;
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
    const name = toTree(key, lineOf);
    const text = name.type === "scalar" ? name.text : "";
    return { key: text, value: toTree(value, lineOf), line: name.line };
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

const longestQuote = 60;

export function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

function shorten(text: string): string {
  return text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text;
}
