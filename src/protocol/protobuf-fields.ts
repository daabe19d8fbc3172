/*
 * The wire form of protocol buffers, field by field: for messages that are too large, or too hostile, to become objects
 * whole. Nothing is copied; what follows of a field is its reader's to know.
 */
import { TroupeError } from "./errors.ts";

/** How a field lies on the wire. */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const longestVarint = 10;
/** A field number may have 29 bits, below which stands the wire type. */
const mostTag = 2 ** 32;

/** Varints one after the other. */
export class VarintReader {
  protected readonly bytes: Uint8Array;
  protected at = 0;
  /** Of the one that was read last: its lower 32 bits, without sign. */
  low = 0;
  /** The upper 32. */
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** Throws `invalid-request` where the bytes end within it, or it has more than ten. */
  readVarint(): void {
    this.low = 0;
    this.high = 0;
    for (let i = 0; i < longestVarint; i += 1) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw malformed("it ends within a number");
      this.at += 1;
      this.#put(byte & 0x7f, 7 * i);
      if (byte < 0x80) return;
    }
    throw malformed("a number has more than 10 bytes");
  }

  /** Seven bits, which at 28 are partly of the one half and partly of the other. */
  #put(bits: number, shift: number): void {
    if (shift < 32) this.low = (this.low | (bits << shift)) >>> 0;
    if (shift >= 32) this.high = (this.high | (bits << (shift - 32))) >>> 0;
    else if (shift === 28) this.high = bits >>> 4;
  }

  /** The last one as an int64; beyond 2^53 the nearest that there is. */
  get signed(): number {
    return (this.high | 0) * mostTag + this.low;
  }

  /** The last one as a uint64. */
  get unsigned(): number {
    return this.high * mostTag + this.low;
  }
}

const none = new Uint8Array(0);

/** The fields of one message. */
export class FieldReader extends VarintReader {
  number = 0;
  type: number = wireType.varint;
  /** What lies in the field; of a varint nothing, as that is `low` and `high`. */
  content: Uint8Array = none;

  /** False at the end. Throws `invalid-request` where the bytes are no message. */
  next(): boolean {
    if (this.isAtEnd) return false;
    this.readVarint();
    this.number = this.low >>> 3;
    this.type = this.low & 7;
    if (this.number === 0 || this.high !== 0) throw malformed("a field has no number");
    this.content = this.#readContent();
    return true;
  }

  #readContent(): Uint8Array {
    switch (this.type) {
      case wireType.varint:
        this.readVarint();
        return none;
      case wireType.bytes:
        this.readVarint();
        return this.#take(this.unsigned);
      case wireType.fixed64:
        return this.#take(8);
      case wireType.fixed32:
        return this.#take(4);
      default:
        throw malformed(`field ${this.number} has wire type ${this.type}`);
    }
  }

  #take(size: number): Uint8Array {
    const left = this.bytes.length - this.at;
    if (size > left)
      throw malformed(`field ${this.number} has ${size} bytes, but ${left} are left`);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
}

function malformed(why: string): TroupeError {
  return new TroupeError("invalid-request", `the message is no protocol buffer: ${why}`);
}
