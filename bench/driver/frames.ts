// The frames of a WebSocket without extensions, as a client has them: RFC 6455, section 5.
import { randomBytes } from "node:crypto";

const opcodes = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa };

const finalBit = 0x80;
const reservedBits = 0x70;
const opcodeBits = 0x0f;
const maskBit = 0x80;
const lengthBits = 0x7f;
/** In place of a length: it follows, in two bytes or in eight. */
const inTwoBytes = 126;
const inEightBytes = 127;
const longestHead = 10;

const noBytes = Buffer.alloc(0);
/** How much of a message is kept: enough to tell what it is, and whose. */
const leadBytes = 48;

function headOf(opcode: number, length: number): Buffer {
  const first = finalBit | opcode;
  if (length < inTwoBytes) return Buffer.of(first, maskBit | length);
  if (length < 0x1_0000) {
    const head = Buffer.of(first, maskBit | inTwoBytes, 0, 0);
    head.writeUInt16BE(length, 2);
    return head;
  }
  const head = Buffer.of(first, maskBit | inEightBytes, 0, 0, 0, 0, 0, 0, 0, 0);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** A whole message of a client's; `mask` is four bytes. */
export function clientFrame(
  kind: "text" | "pong",
  payload: Buffer,
  mask: Buffer = randomBytes(4),
): Buffer {
  const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([headOf(opcodes[kind], payload.length), mask, masked]);
}

interface FrameHead {
  readonly opcode: number;
  /** Whether the message ends with this frame. */
  readonly isFinal: boolean;
  /** Bytes of the head itself. */
  readonly length: number;
  readonly payloadLength: number;
}

function payloadLengthOf(bytes: Buffer, short: number): number {
  if (short === inTwoBytes) return bytes.readUInt16BE(2);
  return short === inEightBytes ? Number(bytes.readBigUInt64BE(2)) : short;
}

function headLengthOf(short: number): number {
  if (short === inTwoBytes) return 4;
  return short === inEightBytes ? longestHead : 2;
}

/** Undefined while the head is not whole. */
function parseHead(bytes: Buffer): FrameHead | undefined {
  const first = bytes[0] ?? 0;
  const second = bytes[1] ?? 0;
  const short = second & lengthBits;
  const length = headLengthOf(short);
  if (bytes.length < length) return undefined;
  if ((first & reservedBits) !== 0) throw new Error("Cannot read frame: no extension was offered");
  if ((second & maskBit) !== 0) throw new Error("Cannot read frame: a server must not mask it");
  return {
    opcode: first & opcodeBits,
    isFinal: (first & finalBit) !== 0,
    length,
    payloadLength: payloadLengthOf(bytes, short),
  };
}

/** What a server sends that matters to a client that measures. */
export type ServerFrame =
  /** A message that is in whole, in one frame or in several: its first 48 bytes. */
  | { readonly type: "message"; readonly lead: string }
  | { readonly type: "ping"; readonly payload: Buffer }
  | { readonly type: "close" };

/** Reads what one server sends; of messages it keeps the beginning, and counts the rest. */
export class FrameReader {
  /** The beginning of a head that is not whole yet. */
  #headSoFar: Buffer = noBytes;
  #frame: FrameHead | undefined;
  /** Bytes of the frame's payload that are still to come. */
  #missing = 0;
  /** Of the message, whose frames may have pings between them. */
  readonly #lead = Buffer.alloc(leadBytes);
  #leadLength = 0;
  #pingSoFar: Buffer = noBytes;

  /** What is whole with this chunk, in order. The chunk's memory may be reused afterwards. */
  push(chunk: Buffer): readonly ServerFrame[] {
    const whole: ServerFrame[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#frame === undefined) rest = rest.subarray(this.#takeHead(rest));
      if (this.#frame === undefined) break;
      rest = rest.subarray(this.#takePayload(this.#frame, rest));
      if (this.#missing > 0) break;
      const frame = this.#finish(this.#frame);
      this.#frame = undefined;
      if (frame !== undefined) whole.push(frame);
    }
    return whole;
  }

  /** How many of the bytes belong to the head. */
  #takeHead(bytes: Buffer): number {
    const before = this.#headSoFar.length;
    const known = Buffer.concat([this.#headSoFar, bytes.subarray(0, longestHead - before)]);
    const head = parseHead(known);
    this.#frame = head;
    this.#missing = head?.payloadLength ?? 0;
    this.#headSoFar = head === undefined ? known : noBytes;
    return (head?.length ?? known.length) - before;
  }

  /** How many of the bytes belong to the payload. */
  #takePayload({ opcode }: FrameHead, bytes: Buffer): number {
    const payload = bytes.subarray(0, this.#missing);
    if (opcode === opcodes.ping) this.#pingSoFar = Buffer.concat([this.#pingSoFar, payload]);
    else if (!isControl(opcode)) this.#leadLength += payload.copy(this.#lead, this.#leadLength);
    this.#missing -= payload.length;
    return payload.length;
  }

  /** Undefined for what is of no matter: the parts of a message but the last, and pongs that nobody asked for. */
  #finish({ opcode, isFinal }: FrameHead): ServerFrame | undefined {
    if (opcode === opcodes.close) return { type: "close" };
    if (opcode === opcodes.ping) return this.#finishPing();
    return isFinal && !isControl(opcode) ? this.#finishMessage() : undefined;
  }

  #finishPing(): ServerFrame {
    const payload = this.#pingSoFar;
    this.#pingSoFar = noBytes;
    return { type: "ping", payload };
  }

  #finishMessage(): ServerFrame {
    const lead = this.#lead.toString("latin1", 0, this.#leadLength);
    this.#leadLength = 0;
    return { type: "message", lead };
  }
}

function isControl(opcode: number): boolean {
  return opcode >= opcodes.close;
}
