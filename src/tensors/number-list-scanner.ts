import { NumberList } from "./number-list.ts";
import { NumberListWindow } from "./number-list-window.ts";

/** Bytes of a list that are looked at first: a body may have a million short ones, and all that is looked at is copied. */
const firstLook = 1_024;
const firstRoom = 16_384;
const roomGrowth = 4;
/** What is kept from one body to the next: the numbers of a picture, 1 MB. */
const mostKept = 262_144;

/** What all bodies are read through, as it would be as much garbage again as the numbers themselves. */
interface Reused {
  readonly window: NumberListWindow;
  kept: Float32Array<ArrayBuffer>;
}

const reused: { it?: Reused | null } = {};

/** Made for the first long list: 4 MB and some milliseconds, which a host without any need not have. */
function reuse(): Reused | null {
  if (reused.it === undefined) reused.it = tryToMake();
  return reused.it;
}

/** Null where addresses are limited (`ulimit -v`): V8 wants 10 GB of them for each memory. */
function tryToMake(): Reused | null {
  try {
    return { window: new NumberListWindow(), kept: new Float32Array(firstRoom) };
  } catch {
    return null;
  }
}

/**
 * Reads the lists of numbers of one body, nested or not, one at a time. A picture of [1,3,240,320] takes WebAssembly half
 * as long as JavaScript that reads byte by byte, and a fifth of JSON.parse and a copy into floats (2026-11-26, CPU time of
 * alternating rounds).
 */
export class NumberListScanner {
  readonly #body: Uint8Array;
  readonly #reused = reuse();
  /** Past the list that has been read. */
  at = 0;

  /** The last byte of the body must not be one that a number can have. */
  constructor(body: Uint8Array) {
    this.#body = body;
  }

  /**
   * The list whose opening bracket is at `from`. Undefined where it is none of numbers in the range of FP32, evenly
   * nested at most `maxDepth` levels deep, and where there can be no window.
   */
  read(from: number, maxDepth: number): NumberList | undefined {
    if (this.#reused === null) return undefined;
    const { window } = this.#reused;
    window.begin(maxDepth);
    this.at = from;
    if (!this.#readWindow(window, firstLook)) return undefined;
    const values = window.hasEnded ? window.values.slice() : this.#readOn(this.#reused);
    if (values === undefined) return undefined;
    return new NumberList(window.dims, values, this.#body.subarray(from, this.at));
  }

  /** False where it goes wrong. */
  #readWindow(window: NumberListWindow, most: number): boolean {
    const passed = window.read(this.#body, this.at, most);
    this.at += passed;
    return passed > 0;
  }

  /** All numbers of a list that goes on behind the first window. */
  #readOn(into: Reused): Float32Array<ArrayBuffer> | undefined {
    const { window } = into;
    let all = into.kept;
    let count = 0;
    do {
      const { values } = window;
      if (count + values.length > all.length) all = grow(all, into);
      all.set(values, count);
      count += values.length;
      if (window.hasEnded) return all.slice(0, count);
    } while (this.#readWindow(window, window.size));
    return undefined;
  }
}

function grow(all: Float32Array<ArrayBuffer>, into: Reused): Float32Array<ArrayBuffer> {
  const wider = new Float32Array(roomGrowth * all.length);
  wider.set(all);
  if (wider.length <= mostKept) into.kept = wider;
  return wider;
}
