/** Numbers that were read from JSON without making lists of them, even in their nesting. */
export class NumberList {
  /** The sizes of the lists, outermost first. */
  readonly dims: readonly number[];
  /** In row-major order; all finite. */
  readonly values: Float32Array;
  /** The JSON itself. */
  readonly #text: Uint8Array;

  constructor(dims: readonly number[], values: Float32Array, text: Uint8Array) {
    this.dims = dims;
    this.values = values;
    this.#text = text;
  }

  /** As JSON.parse has it, for whoever needs more than floats. */
  toLists(): unknown {
    const { buffer, byteOffset, byteLength } = this.#text;
    return JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString("latin1"));
  }
}
