/*
 * The journal's text: a checksum and an entry a line, and what counts of a file that is not as it was written.
 *
 * An end without its line's end is a write that was cut off: nobody was told that it is stored. Any other line that is
 * not whole is damage. The lines behind it count all the same: each carries its own checksum, and each entry says what
 * holds of its model from then on, whatever held before. Only what was being installed before the damage is taken as
 * over, as a line behind it is later, and the one that said so may be among those that are lost.
 */
import { crc32 } from "node:zlib";
import { type JournalEntry, parseEntry } from "./journal-entry.ts";
import { type Facts, noFacts, withEntry } from "./journal-facts.ts";

const checksumLength = 8;
const lineEnd = 0x0a;

export interface Damage {
  readonly lines: number;
  readonly bytes: number;
}

export interface JournalText {
  /** What the entries say that can be read; a newer Troupe's others stay in the file. */
  readonly facts: Facts;
  /** Of the whole lines. */
  readonly lines: number;
  /** The whole lines as they stand, one piece for each run of them. */
  readonly whole: readonly Buffer[];
  readonly tornBytes: number;
  /** Null where there is none. */
  readonly damage: Damage | null;
}

export function readJournal(bytes: Buffer): JournalText {
  const reading = new Reading();
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(lineEnd, at);
    if (end === -1) break;
    reading.take(bytes.subarray(at, end + 1));
    at = end + 1;
  }
  return reading.end(bytes.subarray(at));
}

class Reading {
  #facts = noFacts;
  #lines = 0;
  #damage: Damage | null = null;
  readonly #whole: Buffer[] = [];

  take(line: Buffer): void {
    const content = line.subarray(0, -1);
    if (!isWhole(content)) {
      this.#pass(line);
      return;
    }
    const entry = parseLine(content);
    if (entry !== undefined) this.#facts = withEntry(this.#facts, entry);
    this.#lines += 1;
    this.#whole.push(line);
  }

  end(rest: Buffer): JournalText {
    const tornBytes = isTorn(rest) ? rest.length : 0;
    if (tornBytes < rest.length) this.#pass(rest);
    return {
      facts: this.#facts,
      lines: this.#lines,
      whole: this.#whole,
      tornBytes,
      damage: this.#damage,
    };
  }

  #pass({ length }: Buffer): void {
    const { lines, bytes } = this.#damage ?? { lines: 0, bytes: 0 };
    this.#damage = { lines: lines + 1, bytes: bytes + length };
    this.#facts = { ...this.#facts, installing: [] };
  }
}

function isWhole(line: Buffer): boolean {
  const json = line.subarray(checksumLength + 1);
  return line.toString("latin1", 0, checksumLength + 1) === `${checksumOf(json)} `;
}

/** The beginning of a line, or the zeros in its place that some file systems leave after a loss of power. */
function isTorn(rest: Buffer): boolean {
  return /^(?:[0-9a-f]{0,8}|[0-9a-f]{8} |[0-9a-f]{8} \{[^\0]*)\0*$/.test(rest.toString("latin1"));
}

function parseLine(line: Buffer): JournalEntry | undefined {
  try {
    return parseEntry(JSON.parse(line.toString("utf8", checksumLength + 1)));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

export function lineOf(entry: JournalEntry): string {
  const json = JSON.stringify(entry);
  return `${checksumOf(json)} ${json}\n`;
}

function checksumOf(json: string | Uint8Array): string {
  return crc32(json).toString(16).padStart(checksumLength, "0");
}
