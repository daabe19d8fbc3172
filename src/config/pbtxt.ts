/* Protobuf's text format, as far as configurations of models need it: no extensions and no Any. */
import { PbtxtFault, type PbtxtToken, pbtxtTokens } from "./pbtxt-tokens.ts";
import { shorten } from "./quote.ts";
import type { YamlEntry, YamlNode, YamlVerdict } from "./yaml-tree.ts";

/** Messages in messages: Triton's own go six deep. */
const maxDepth = 24;

/**
 * A message as a map, in which a key stands as often as the file has it, and `[1, 2]` as often as it has items. Names of
 * enums are texts, as strings are. Takes time in proportion to the text's length; a text without any field is an empty
 * map.
 */
export function parsePbtxt(text: string): YamlVerdict {
  try {
    const reader = new Reader(pbtxtTokens(text));
    return { type: "parsed", root: reader.message(1, undefined, 0) };
  } catch (thrown) {
    if (!(thrown instanceof PbtxtFault)) throw thrown;
    return { type: "malformed", reason: thrown.message, line: thrown.line };
  }
}

class Reader {
  readonly #tokens: readonly PbtxtToken[];
  #at = 0;

  constructor(tokens: readonly PbtxtToken[]) {
    this.#tokens = tokens;
  }

  /** Up to its closing mark, or where it has none to the end of the file. */
  message(line: number, close: string | undefined, depth: number): YamlNode {
    if (depth > maxDepth) throw new PbtxtFault(`messages are nested deeper than ${maxDepth}`, line);
    const entries: YamlEntry[] = [];
    while (!this.#ends(close, line)) {
      for (const entry of this.#field(depth)) entries.push(entry);
      if (!this.#takes(";")) this.#takes(",");
    }
    return { type: "map", entries, line };
  }

  #ends(close: string | undefined, openedIn: number): boolean {
    if (close !== undefined) {
      if (this.#next !== undefined) return this.#takes(close);
      throw new PbtxtFault(`the file ends before the ${close} of line ${openedIn}`, this.#line);
    }
    return this.#next === undefined;
  }

  #field(depth: number): readonly YamlEntry[] {
    const key = this.#take();
    if (key.type !== "word") throw unexpected(key, "a key");
    const hasColon = this.#takes(":");
    const next = this.#next;
    if (!hasColon && !["{", "<", "["].some((mark) => isMark(next, mark))) {
      throw unexpected(next ?? this.#end, `":" or "{" after ${shorten(key.text)}`);
    }
    const values = this.#takes("[") ? this.#items(depth) : [this.#value(depth)];
    return values.map((value) => ({ key: key.text, value, line: key.line }));
  }

  #items(depth: number): readonly YamlNode[] {
    const items: YamlNode[] = [];
    if (this.#takes("]")) return items;
    do items.push(this.#value(depth));
    while (this.#takes(","));
    if (!this.#takes("]")) throw unexpected(this.#next ?? this.#end, '"," or "]"');
    return items;
  }

  #value(depth: number): YamlNode {
    const token = this.#take();
    if (isMark(token, "{")) return this.message(token.line, "}", depth + 1);
    if (isMark(token, "<")) return this.message(token.line, ">", depth + 1);
    if (isMark(token, "-")) return this.#negative(token);
    if (token.type === "mark") throw unexpected(token, "a value");
    return token.type === "string" ? this.#joined(token) : scalarOf(token, 1);
  }

  #negative(sign: PbtxtToken): YamlNode {
    const token = this.#take();
    const isNumber = token.type === "number" || /^(?:inf|infinity|nan)$/i.test(token.text);
    if (!isNumber) throw unexpected(token, "a number after -");
    return scalarOf({ ...token, line: sign.line }, -1);
  }

  /** Strings in a row are one. */
  #joined({ text, line }: PbtxtToken): YamlNode {
    const parts = [text];
    for (let next = this.#next; next?.type === "string"; next = this.#next) {
      parts.push(next.text);
      this.#at += 1;
    }
    const whole = parts.join("");
    return { type: "scalar", value: whole, text: whole, line };
  }

  get #next(): PbtxtToken | undefined {
    return this.#tokens[this.#at];
  }

  get #line(): number {
    return this.#tokens.at(-1)?.line ?? 1;
  }

  get #end(): PbtxtToken {
    return { type: "mark", text: "", line: this.#line };
  }

  #take(): PbtxtToken {
    const token = this.#next ?? this.#end;
    this.#at += 1;
    return token;
  }

  #takes(mark: string): boolean {
    if (!isMark(this.#next, mark)) return false;
    this.#at += 1;
    return true;
  }
}

function isMark(token: PbtxtToken | undefined, text: string): boolean {
  return token?.type === "mark" && token.text === text;
}

function unexpected(token: PbtxtToken, expected: string): PbtxtFault {
  const got = token.text === "" ? "the end of the file" : JSON.stringify(token.text.slice(0, 60));
  return new PbtxtFault(`expected ${expected}, got ${got}`, token.line);
}

function scalarOf({ type, text, line }: PbtxtToken, sign: 1 | -1): YamlNode {
  const written = sign < 0 ? `-${text}` : text;
  if (type === "number")
    return { type: "scalar", value: sign * numberOf(text), text: written, line };
  const value = sign < 0 ? Number.NaN : wordValue(text);
  return { type: "scalar", value, text: written, line };
}

/** `010` is eight. */
function numberOf(text: string): number {
  if (/^0\d+$/.test(text)) return Number.parseInt(text, 8);
  return Number(/^0[xX]/.test(text) ? text : text.replace(/[fF]$/, ""));
}

function wordValue(text: string): string | boolean {
  if (text === "true" || text === "True" || text === "t") return true;
  return text === "false" || text === "False" || text === "f" ? false : text;
}
