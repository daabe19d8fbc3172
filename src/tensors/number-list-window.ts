import { numberListWasm } from "./number-list-wasm.ts";

/** Node has it, but its types do not say so. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/** What assembly/number-list.ts exports; it says what each is. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly windowAt: { readonly value: number };
  readonly windowSize: { readonly value: number };
  readonly valuesAt: { readonly value: number };
  readonly begin: (maxDepth: number) => void;
  readonly scan: (bytes: number, isLast: boolean) => number;
  readonly hasEnded: () => number;
  readonly found: () => number;
  readonly levels: () => number;
  readonly sizeAt: (level: number) => number;
}

/** As RFC 8259, section 6, has it. */
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The memory through which WebAssembly reads lists of numbers, one list at a time. */
export class NumberListWindow {
  readonly #wasm: Exports;
  readonly #bytes: Buffer;
  readonly #values: Float32Array<ArrayBuffer>;

  constructor() {
    const module = new WebAssembly.Module(Buffer.from(numberListWasm, "base64"));
    const readSlowly = (from: number, to: number): number => this.#readSlowly(from, to);
    const instance = new WebAssembly.Instance(module, { "number-list": { readSlowly } });
    this.#wasm = instance.exports as Exports;
    const { memory, windowAt, windowSize, valuesAt } = this.#wasm;
    this.#bytes = Buffer.from(memory.buffer, windowAt.value, windowSize.value);
    // A number and its comma take two bytes at least.
    this.#values = new Float32Array(memory.buffer, valuesAt.value, windowSize.value / 2);
  }

  /** Before each list. */
  begin(maxDepth: number): void {
    this.#wasm.begin(maxDepth);
  }

  /** How many bytes it takes at once. */
  get size(): number {
    return this.#bytes.length;
  }

  /** How many bytes of `most` from `at` on have been read: some, or -1 where the list goes wrong. */
  read(body: Uint8Array, at: number, most: number): number {
    const end = Math.min(at + most, body.length);
    this.#bytes.set(body.subarray(at, end));
    const passed = this.#wasm.scan(end - at, end === body.length);
    // A number that fills the window would be read for ever.
    return passed === 0 ? -1 : passed;
  }

  /** Whether the list ended there. */
  get hasEnded(): boolean {
    return this.#wasm.hasEnded() !== 0;
  }

  /** What has been read last; the next reading writes over it. */
  get values(): Float32Array<ArrayBuffer> {
    return this.#values.subarray(0, this.#wasm.found());
  }

  /** The sizes of the list that has ended, outermost first. */
  get dims(): number[] {
    return Array.from({ length: this.#wasm.levels() }, (_, level) => this.#wasm.sizeAt(level));
  }

  /** The few numbers that are hard to round; NaN where it is none. */
  #readSlowly(from: number, to: number): number {
    const start = this.#wasm.windowAt.value;
    const text = this.#bytes.toString("latin1", from - start, to - start);
    return number.test(text) ? Number(text) : Number.NaN;
  }
}
