const pageBytes = 65_536;
/** Bodies up to this size are copied beside their fields, so that one write carries many frames; larger ones go by reference. */
const copyUpToBytes = 8_192;

/** Gathers frames, so that those of one tick are written together. */
export class FrameWriter {
  #pieces: Uint8Array[] = [];
  #page = Buffer.allocUnsafeSlow(pageBytes);
  #start = 0;
  #end = 0;

  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#start === this.#end;
  }

  /** Opens a frame of `type` whose fields, written next, take exactly `fieldBytes`. */
  begin(type: number, fieldBytes: number): void {
    this.#reserve(5);
    this.u32(1 + fieldBytes);
    this.u8(type);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#page[this.#end] = value;
    this.#end += 1;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#end = this.#page.writeUInt16LE(value, this.#end);
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#end = this.#page.writeUInt32LE(value, this.#end);
  }

  f32(value: number): void {
    this.#reserve(4);
    this.#end = this.#page.writeFloatLE(value, this.#end);
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#end = this.#page.writeDoubleLE(value, this.#end);
  }

  ascii(text: string): void {
    this.#reserve(text.length);
    this.#end += this.#page.write(text, this.#end, "latin1");
  }

  bytes(body: Uint8Array): void {
    if (body.length > copyUpToBytes) {
      this.#seal();
      this.#pieces.push(body);
      return;
    }
    this.#reserve(body.length);
    this.#page.set(body, this.#end);
    this.#end += body.length;
  }

  /** The bytes written since the last call, in order; they are the caller's to send and are never overwritten. */
  take(): readonly Uint8Array[] {
    this.#seal();
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#page.length) return;
    this.#seal();
    this.#page = Buffer.allocUnsafeSlow(Math.max(pageBytes, bytes));
    this.#start = 0;
    this.#end = 0;
  }

  #seal(): void {
    if (this.#start === this.#end) return;
    this.#pieces.push(this.#page.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}

/** Cuts a byte stream into frames: those that came whole are views of the chunk, the others are gathered once. */
export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #head = Buffer.allocUnsafe(4);
  #headBytes = 0;
  /** The frame whose rest is still to come. */
  #open: { readonly frame: Buffer; filled: number } | undefined;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Hands each whole frame, without its length, to `onFrame`, which says whether to go on.
   * False means that the stream is no longer one of frames, or that `onFrame` refused.
   */
  push(chunk: Buffer, onFrame: (frame: Buffer) => boolean): boolean {
    let at = this.#resume(chunk, onFrame);
    while (at !== undefined && at < chunk.length) at = this.#next(chunk, at, onFrame);
    return at !== undefined;
  }

  /** Where to read on, undefined to stop. */
  #resume(chunk: Buffer, onFrame: (frame: Buffer) => boolean): number | undefined {
    const open = this.#open;
    if (open === undefined) return 0;
    const taken = chunk.copy(open.frame, open.filled);
    open.filled += taken;
    if (open.filled < open.frame.length) return taken;
    this.#open = undefined;
    return onFrame(open.frame) ? taken : undefined;
  }

  #next(chunk: Buffer, at: number, onFrame: (frame: Buffer) => boolean): number | undefined {
    const taken = chunk.copy(this.#head, this.#headBytes, at, at + 4 - this.#headBytes);
    this.#headBytes += taken;
    if (this.#headBytes < 4) return chunk.length;
    this.#headBytes = 0;
    const length = this.#head.readUInt32LE(0);
    if (length === 0 || length > this.#maxFrameBytes) return undefined;
    const from = at + taken;
    const to = from + length;
    if (to <= chunk.length) return onFrame(chunk.subarray(from, to)) ? to : undefined;
    const frame = Buffer.allocUnsafeSlow(length);
    this.#open = { frame, filled: chunk.copy(frame, 0, from) };
    return chunk.length;
  }
}
