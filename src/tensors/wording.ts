import { TroupeError } from "../protocol/errors.ts";

// What clients send is cut before it is quoted, so that a hostile name cannot swell an answer or a log.
const maxNameLength = 100;
const maxTextLength = 40;
const maxNames = 20;

export function invalidRequest(message: string): TroupeError {
  return new TroupeError("invalid-request", message);
}

export function quoted(name: string): string {
  return `'${cut(name, maxNameLength)}'`;
}

/** As Triton writes lists of names: `['a','b']`. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, maxNames).map(quoted).join(",");
  return names.length > maxNames ? `[${shown},… ${names.length} in all]` : `[${shown}]`;
}

/** What came, in words for people who know JSON and not the language that we are written in. */
export function wordFor(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "string") return JSON.stringify(cut(value, maxTextLength));
  // JSON.parse turns 1e999 into infinity, a word that the client never sent.
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    return "a number beyond the range of 64-bit floats";
  }
  return String(value);
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
