// What of a request is broken is said wherever it is found, by the host as by the front door.

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;

// In a body, `inputs` are at the first level, its entries at the second, and what is said of one at the third.
const bodyLevel = 1;
const inputsLevel = 2;
const entryLevel = 3;

/** What a client sent is cut before it is quoted. */
const longestName = 100;

/**
 * To what of a request the byte at `position` belongs, in words: `input 'x'`, `'inputs' at [1]` where its name has not
 * come yet, `'features'`; empty where that is nothing in particular. Looks no further than to where the nesting has
 * `deepest` levels, and expects no JSON from there on.
 */
export function placeIn(body: Uint8Array, position: number, deepest = 100): string {
  const reader = new PlaceReader(body);
  while (reader.at < position && reader.depth <= deepest) reader.next();
  return reader.place;
}

class PlaceReader {
  at = 0;
  depth = 0;
  readonly #body: Uint8Array;
  /** The last name at each level, undefined in a list. */
  readonly #names: (string | undefined)[] = [];
  /** What an entry says is its own name. */
  #input: string | undefined;
  #index = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  next(): void {
    const byte = this.#body[this.at];
    this.at += 1;
    switch (byte) {
      case quote:
        this.#readString();
        return;
      case 0x5b:
      case 0x7b:
        this.#open();
        return;
      case 0x5d:
      case 0x7d:
        this.depth -= 1;
        return;
      case comma:
        if (this.depth === inputsLevel) this.#index += 1;
        return;
      default:
        return;
    }
  }

  get place(): string {
    const field = this.#names[bodyLevel];
    if (field === undefined || this.depth < bodyLevel) return "";
    if (field !== "inputs" || this.depth < inputsLevel) return quoted(field);
    const name = this.#input ?? this.#names[inputsLevel];
    return name === undefined ? `'inputs' at [${this.#index}]` : `input ${quoted(name)}`;
  }

  #open(): void {
    this.depth += 1;
    if (this.depth <= entryLevel) this.#names[this.depth] = undefined;
    if (this.depth === inputsLevel) this.#index = 0;
    if (this.depth === entryLevel) this.#input = undefined;
  }

  #readString(): void {
    const from = this.at;
    const body = this.#body;
    while (this.at < body.length && body[this.at] !== quote) {
      this.at += body[this.at] === backslash ? 2 : 1;
    }
    const string = body.subarray(from, this.at);
    this.at += 1;
    if (this.depth > entryLevel) return;
    if (this.#isName()) this.#names[this.depth] = textOf(string);
    else if (this.#names[entryLevel] === "name" && this.depth === entryLevel)
      this.#input = textOf(string);
  }

  /** Whether a colon follows. */
  #isName(): boolean {
    let next = this.at;
    while (next < this.#body.length && (this.#body[next] as number) <= 0x20) next += 1;
    return this.#body[next] === colon;
  }
}

/** As it stands there, escapes and all. */
function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

function quoted(name: string): string {
  return name.length > longestName ? `'${name.slice(0, longestName)}…'` : `'${name}'`;
}
