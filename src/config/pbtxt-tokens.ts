/* The words of protobuf's text format: https://protobuf.dev/reference/protobuf/textformat-spec/ */

export type PbtxtToken =
  | { readonly type: "mark"; readonly text: string; readonly line: number }
  | { readonly type: "word"; readonly text: string; readonly line: number }
  | { readonly type: "number"; readonly text: string; readonly line: number }
  | { readonly type: "string"; readonly text: string; readonly line: number };

/** What is no text format, and where. */
export class PbtxtFault extends Error {
  readonly line: number;

  constructor(reason: string, line: number) {
    super(reason);
    this.line = line;
  }
}

/** Each alternative matches in time that grows with the text's length alone. */
const pattern =
  /(?<space>[ \t\r\v\f]+|#[^\n]*)|(?<lines>\n)|(?<word>[A-Za-z_][\w.]*)|(?<number>(?:0[xX][\dA-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fF]?(?![\w.]))|(?<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')|(?<mark>[{}[\]:;,<>-])/y;

/** Throws PbtxtFault at the first character that begins no word. */
export function pbtxtTokens(text: string): readonly PbtxtToken[] {
  const tokens: PbtxtToken[] = [];
  let line = 1;
  for (let at = 0; at < text.length; ) {
    pattern.lastIndex = at;
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) throw new PbtxtFault(strangerAt(text, at), line);
    at = pattern.lastIndex;
    if (groups["lines"] !== undefined) line += 1;
    else if (groups["space"] === undefined) tokens.push(tokenOf(groups, line));
  }
  return tokens;
}

function strangerAt(text: string, at: number): string {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  const isQuote = character === '"' || character === "'";
  return isQuote ? "a string does not end in its line" : `unexpected ${JSON.stringify(character)}`;
}

function tokenOf(groups: Readonly<Record<string, string>>, line: number): PbtxtToken {
  const { word, number, string, mark = "" } = groups;
  if (word !== undefined) return { type: "word", text: word, line };
  if (number !== undefined) return { type: "number", text: number, line };
  if (string !== undefined) return { type: "string", text: unescaped(string, line), line };
  return { type: "mark", text: mark, line };
}

const letters: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const escapes = /\\(?:([0-7]{1,3})|[xX]([\dA-Fa-f]{1,2})|u([\dA-Fa-f]{4})|U([\dA-Fa-f]{8})|(.))/g;

/** Bytes past 127 that are written as escapes are taken for Latin 1. */
function unescaped(quoted: string, line: number): string {
  return quoted.slice(1, -1).replace(escapes, (whole, octal, hex, short, long, other) => {
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    const digits = hex ?? short ?? long;
    if (digits !== undefined) return codePoint(digits, line);
    if (letters[other] !== undefined) return letters[other];
    if (/["'\\?]/.test(other)) return other;
    throw new PbtxtFault(`unknown escape ${whole} in a string`, line);
  });
}

function codePoint(digits: string, line: number): string {
  const code = Number.parseInt(digits, 16);
  if (code <= 0x10_ffff) return String.fromCodePoint(code);
  throw new PbtxtFault(`no character has the code ${digits}`, line);
}
