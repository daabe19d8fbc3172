/* YAML text as a document of the library, or what is wrong with it, found at a cost that has a bound. */
import {
  Composer,
  CST,
  type Document,
  isScalar,
  Lexer,
  type ParsedNode,
  Parser,
  type Scalar,
  type Tags,
  visit,
  type YAMLMap,
} from "yaml";
import { quote, shorten } from "./quote.ts";

export type OpenedYaml =
  | { readonly type: "opened"; readonly document: Document.Parsed }
  | { readonly type: "malformed"; readonly line: number; readonly reason: string };

interface Fault {
  readonly offset: number;
  readonly reason: string;
}

const maxNesting = 32;
/** The library quotes tags and anchors whole. */
const longestComplaint = 120;
/** Each takes some five microseconds, in which the process does nothing else. */
const maxTokens = 5_000;

/** YAML 1.2 without aliases and tags; comments stay. */
export function openYaml(text: string): OpenedYaml {
  const tokens: CST.Token[] = [];
  const broken = scan(text, tokens);
  if (broken !== undefined) return malformed(text, broken);
  const [document, second] = compose(tokens, text.length);
  const fault = judge(document) ?? (second && { offset: second.range[0], reason: severalWords });
  return fault === undefined ? { type: "opened", document } : malformed(text, fault);
}

function malformed(text: string, { offset, reason }: Fault): OpenedYaml {
  return { type: "malformed", line: text.slice(0, offset).split("\n").length, reason };
}

const severalWords = "it holds multiple documents";

type Composed = readonly [Document.Parsed, Document.Parsed | undefined];

function compose(tokens: readonly CST.Token[], length: number): Composed {
  const composer = new Composer<ParsedNode, true>({
    prettyErrors: false,
    schema: "core",
    resolveKnownTags: false,
    // The library compares each key with each other one.
    uniqueKeys: false,
    customTags: (tags) => tags.map(asWritten),
  });
  const [first, second] = composer.compose(tokens, true, length);
  if (first === undefined) throw new Error("no document was composed");
  return [first, second];
}

function judge(document: Document.Parsed): Fault | undefined {
  const complaint = document.errors[0] ?? document.warnings[0];
  return complaint === undefined
    ? forbidden(document)
    : { offset: complaint.pos[0], reason: shorten(complaint.message, longestComplaint) };
}

/**
 * The first place that is broken, too deep or too much, found before the tree is composed: composing is recursive, and
 * ten thousand brackets end the whole process there; and it makes an Error of every fault, for seconds where there are
 * many.
 */
function scan(text: string, tokens: CST.Token[]): Fault | undefined {
  const parser = new Parser();
  const judgeLexeme = lexemeJudge();
  for (const lexeme of new Lexer().lex(text)) {
    const bad = judgeLexeme(lexeme, parser.offset);
    if (bad !== undefined) return bad;
    for (const token of parser.next(lexeme)) {
      if (token.type === "error") return { offset: token.offset, reason: token.message };
      tokens.push(token);
    }
    if (parser.stack.length > maxNesting) {
      return { offset: parser.offset, reason: `more than ${maxNesting} levels deep` };
    }
  }
  tokens.push(...parser.end());
  return undefined;
}

/** Of a text's lexemes, one after the other. */
function lexemeJudge(): (lexeme: string, offset: number) => Fault | undefined {
  let count = 0;
  let isPlain = false;
  return (lexeme, offset) => {
    if (!isBlank(lexeme)) count += 1;
    if (count > maxTokens) return { offset, reason: tooMuch };
    const escapeAt = isPlain ? -1 : findBadEscape(lexeme);
    // Plain texts and blocks are announced; what looks like quotes in them is none.
    isPlain = lexeme === CST.SCALAR;
    if (escapeAt < 0) return undefined;
    const reason = `Invalid escape sequence ${lexeme.slice(escapeAt, escapeAt + 2)}`;
    return { offset: offset + escapeAt, reason };
  };
}

const tooMuch = `more than ${maxTokens} tokens (words, marks and line ends)`;

function isBlank(lexeme: string): boolean {
  return /^[ \t]+$/.test(lexeme) || lexeme === CST.SCALAR;
}

const escapes =
  /\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|U(?:000[\da-fA-F]|0010)[\da-fA-F]{4}|[0abefnrtvNLP_ "/\\\t\r\n])/g;

/** Where a quoted text has one that YAML does not know; -1 where it has none. */
function findBadEscape(lexeme: string): number {
  if (!lexeme.startsWith('"')) return -1;
  return lexeme.replace(escapes, (known) => " ".repeat(known.length)).indexOf("\\");
}

function forbidden(document: Document.Parsed): Fault | undefined {
  let fault: Fault | undefined;
  visit(document, {
    Alias: (_, alias) => {
      fault ??= { offset: alias.range?.[0] ?? 0, reason: "aliases are not supported" };
    },
    Map: (_, map) => {
      fault ??= findBadKey(map);
    },
  });
  return fault;
}

/** One that is no word, or that is there twice. */
function findBadKey(map: YAMLMap): Fault | undefined {
  const known = new Set<string>();
  for (const { key } of map.items) {
    if (!isScalar(key)) return { offset: 0, reason: "a key must be a plain word" };
    const text = keyText(key);
    const offset = key.range?.[0] ?? 0;
    if (known.has(text)) return { offset, reason: `key ${quote(text)} is not unique` };
    known.add(text);
  }
  return undefined;
}

/** As it is written, so that `1.0` and `007` are told from `1` and `7`. */
export function keyText({ value, source }: Scalar): string {
  return typeof value === "string" ? value : (source ?? String(value ?? ""));
}

/** Numbers keep what a label or a version may be told by: `007` and `1e3`. */
function asWritten(tag: Tags[number]): Tags[number] {
  if (typeof tag === "string" || tag.collection !== undefined || !isNumeric(tag.tag)) return tag;
  const { stringify } = tag;
  return {
    ...tag,
    stringify: (item, ...rest) => item.source ?? stringify?.(item, ...rest) ?? String(item.value),
  };
}

function isNumeric(tag: string): boolean {
  return tag === "tag:yaml.org,2002:int" || tag === "tag:yaml.org,2002:float";
}
