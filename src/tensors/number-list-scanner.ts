import { FloatScanner } from "./float-scanner.ts";
import { skipSpace } from "./json-bytes.ts";
import { NumberList } from "./number-list.ts";

// Not imported; see FloatScanner.
const space = 0x20;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;

const firstRoom = 1_024;
const roomGrowth = 4;
/** What is kept from one body to the next: the numbers of a picture, 1 MB. */
const mostKept = 262_144;
/** Grown for every body anew, it would be as much garbage again as the numbers themselves. */
let kept = new Float32Array(firstRoom);

/** Reads the lists of numbers of one body, nested or not, each into the same memory first; one at a time. */
export class NumberListScanner {
  readonly #numbers: FloatScanner;
  readonly #body: Uint8Array;
  #values: Float32Array<ArrayBuffer> = kept;
  #count = 0;
  #dims: number[] = [];
  #innermost = -1;

  /** The last byte of the body must not be one that a number can have. */
  constructor(body: Uint8Array) {
    this.#body = body;
    this.#numbers = new FloatScanner(body);
  }

  /** Past the list that has been read. */
  get at(): number {
    return this.#numbers.at;
  }

  /**
   * The list whose opening bracket is at `from`. Undefined where it is none of numbers in the range of FP32, evenly
   * nested at most `maxDepth` levels deep.
   */
  read(from: number, maxDepth: number): NumberList | undefined {
    this.#numbers.at = from;
    this.#count = 0;
    this.#dims = [];
    this.#innermost = -1;
    if (!this.#readLevel(0, maxDepth)) return undefined;
    const values = this.#values.slice(0, this.#count);
    return new NumberList(this.#dims, values, this.#body.subarray(from, this.at));
  }

  #readLevel(level: number, maxDepth: number): boolean {
    if (level === maxDepth || this.#body[this.at] !== openBracket) return false;
    this.#numbers.at += 1;
    this.#skipSpace();
    const isInnermost = this.#body[this.at] !== openBracket;
    if (isInnermost && !this.#isInnermost(level)) return false;
    const size = isInnermost ? this.#readRun() : this.#readMembers(level, maxDepth);
    this.#dims[level] ??= size;
    return size >= 0 && size === this.#dims[level];
  }

  /** The first list of numbers says how deep all are. */
  #isInnermost(level: number): boolean {
    if (this.#innermost < 0) this.#innermost = level;
    return this.#innermost === level;
  }

  /** How many lists there are up to the closing bracket, which is passed too; -1 where it goes wrong. */
  #readMembers(level: number, maxDepth: number): number {
    let size = 0;
    let next = comma;
    while (next === comma) {
      this.#skipSpace();
      if (!this.#readLevel(level + 1, maxDepth)) return -1;
      size += 1;
      this.#skipSpace();
      next = this.#body[this.at] as number;
      this.#numbers.at += 1;
    }
    return next === closeBracket ? size : -1;
  }

  /** The same of numbers. */
  #readRun(): number {
    const numbers = this.#numbers;
    const body = this.#body;
    const first = this.#count;
    let values = this.#values;
    let count = first;
    let next = comma;
    while (next === comma) {
      if ((body[numbers.at] as number) <= space) this.#skipSpace();
      const value = numbers.readFloat32();
      if (value - value !== 0) return -1;
      if (count === values.length) values = this.#grow();
      values[count] = value;
      count += 1;
      if ((body[numbers.at] as number) <= space) this.#skipSpace();
      next = body[numbers.at] as number;
      numbers.at += 1;
    }
    this.#count = count;
    return next === closeBracket ? count - first : -1;
  }

  #grow(): Float32Array<ArrayBuffer> {
    const wider = new Float32Array(roomGrowth * this.#values.length);
    wider.set(this.#values);
    this.#values = wider;
    if (wider.length <= mostKept) kept = wider;
    return wider;
  }

  #skipSpace(): void {
    this.#numbers.at = skipSpace(this.#body, this.#numbers.at);
  }
}
