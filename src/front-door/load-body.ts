/*
 * The JSON of a load, of which texts whose key begins with `file:` are far too long to be held: they are handed on as
 * they come, decoded from base64, and their number stands in their place in what is left.
 */
import { isUtf8 } from "node:buffer";
import { TroupeError } from "../protocol/errors.ts";
import { Base64Stream } from "./base64-stream.ts";
import { filePrefix, type TakeFile } from "./v2-repository.ts";

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/** What is left of the body. Throws `payload-too-large` where that has more than `maxBytes`. */
export async function readLoadBody(
  chunks: AsyncIterator<Buffer>,
  takeFile: TakeFile,
  maxBytes: number,
): Promise<string> {
  const reading = new LoadReading(chunks, maxBytes);
  for (let file = 0; ; file += 1) {
    const key = await reading.toNextFile();
    if (key === undefined) return reading.left();
    await takeFile(key, reading.content(key));
    reading.put(`${file}"`);
  }
}

/** Between texts, in one, or behind one that is a key if a colon follows. */
type Where = "between" | "text" | "behind" | "value";

class LoadReading {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #maxBytes: number;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #where: Where = "between";
  #isEscaped = false;
  /** The text that is being read, or was read last, as it is written. */
  #text: number[] = [];

  constructor(chunks: AsyncIterator<Buffer>, maxBytes: number) {
    this.#chunks = chunks;
    this.#maxBytes = maxBytes;
  }

  /** Its key; undefined at the end of the body. */
  async toNextFile(): Promise<string | undefined> {
    while (await this.#fill()) {
      const from = this.#at;
      const key = this.#scan();
      this.#keep(this.#chunk.subarray(from, this.#at));
      if (key !== undefined) return key;
    }
    return undefined;
  }

  /** To the mark that ends the text. */
  async *content(key: string): AsyncGenerator<Buffer, void, undefined> {
    const stream = new Base64Stream();
    let rest = "";
    for (let isOver = false; !isOver; ) {
      const piece = await this.#piece();
      isOver = piece.isOver;
      const { text, cut } = unescaped(rest + piece.text);
      rest = cut;
      const bytes = stream.push(text);
      const isCutOff = isOver && !(stream.isWhole && rest === "");
      if (bytes === undefined || isCutOff) {
        throw invalid(`parameter '${key}' must be base64, with its padding`);
      }
      yield bytes;
    }
  }

  /** Of base64, in which a quote always ends the text. */
  async #piece(): Promise<{ readonly text: string; readonly isOver: boolean }> {
    if (!(await this.#fill())) throw invalid("the body ends in the midst of a file");
    const end = this.#chunk.indexOf(quote, this.#at);
    const isOver = end >= 0;
    const text = this.#chunk.toString("latin1", this.#at, isOver ? end : undefined);
    this.#at = isOver ? end + 1 : this.#chunk.length;
    return { text, isOver };
  }

  put(text: string): void {
    this.#keep(Buffer.from(text));
  }

  left(): string {
    const whole = Buffer.concat(this.#kept);
    if (isUtf8(whole)) return whole.toString();
    throw invalid("body must be UTF-8");
  }

  async #fill(): Promise<boolean> {
    while (this.#at >= this.#chunk.length) {
      const step = await this.#chunks.next();
      if (step.done === true) return false;
      this.#chunk = step.value;
      this.#at = 0;
    }
    return true;
  }

  /** Over the rest of the chunk, or past the mark that begins a file, of which it gives the key. */
  #scan(): string | undefined {
    while (this.#at < this.#chunk.length) {
      const byte = this.#chunk[this.#at] ?? 0;
      this.#at += 1;
      const key = this.#step(byte);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  #step(byte: number): string | undefined {
    if (this.#where === "text") this.#inText(byte);
    else if (byte === quote) return this.#begin();
    else if (!isSpace(byte)) {
      this.#where = this.#where === "behind" && byte === colon ? "value" : "between";
    }
    return undefined;
  }

  /** A text; its key, where it is a file. */
  #begin(): string | undefined {
    const key = this.#where === "value" ? this.#fileKey() : undefined;
    this.#where = key === undefined ? "text" : "between";
    this.#text = [];
    return key;
  }

  #inText(byte: number): void {
    if (byte === quote && !this.#isEscaped) {
      this.#where = "behind";
      return;
    }
    this.#isEscaped = byte === backslash && !this.#isEscaped;
    this.#text.push(byte);
  }

  #fileKey(): string | undefined {
    const written = Buffer.from(this.#text).toString();
    const key = parseText(written);
    return key?.startsWith(filePrefix) === true ? key : undefined;
  }

  #keep(piece: Buffer): void {
    this.#keptBytes += piece.length;
    if (this.#keptBytes > this.#maxBytes) {
      const words = `a load must have at most ${this.#maxBytes} bytes beside its files`;
      throw new TroupeError("payload-too-large", words);
    }
    // A chunk would be held whole for the few bytes that are kept of it.
    if (piece.length > 0) this.#kept.push(Buffer.from(piece));
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function parseText(written: string): string | undefined {
  try {
    return String(JSON.parse(`"${written}"`));
  } catch {
    return undefined;
  }
}

/** Some writers of JSON escape `/`, `+` and `=`; an escape that is cut by the end of the piece comes back in `cut`. */
function unescaped(piece: string): { readonly text: string; readonly cut: string } {
  if (!piece.includes("\\")) return { text: piece, cut: "" };
  const [cut = ""] = /\\(?:u[\dA-Fa-f]{0,3})?$/.exec(piece) ?? [];
  const text = piece
    .slice(0, piece.length - cut.length)
    .replace(/\\(?:\/|u([\dA-Fa-f]{4}))/g, (_, code?: string) =>
      code === undefined ? "/" : String.fromCharCode(Number.parseInt(code, 16)),
    );
  return { text, cut };
}

function invalid(words: string): TroupeError {
  return new TroupeError("invalid-request", words);
}
