import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, type Random, seededRandom } from "../../models/random.ts";
import type { Datatype, StreamSpec, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { TypedArray } from "../../src/tensors/datatypes.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { cutWindows, newSignal, type Signal } from "../../src/tensors/windows.ts";

function stream(window: number, hop: number, pad: StreamSpec["pad"]): StreamSpec {
  return { input: 0, window, hop, pad };
}

function spec(shape: readonly number[] = [-1, -1], datatype: Datatype = "FP32"): TensorSpec {
  return { name: "x", datatype, shape, batchAxis: 0 };
}

/** 1, 2, 3 …, so that a sample says where it stands. */
function ramp(count: number, from = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, at) => from + at + 1);
}

function window(...values: number[]): Tensor {
  return { datatype: "FP32", shape: [1, values.length], data: Float32Array.from(values) };
}

/** With every window made. */
function cutAll(...parts: Parameters<typeof cutWindows>) {
  const { count, windowAt, signal } = cutWindows(...parts);
  return { windows: Array.from({ length: count }, (_, row) => windowAt(row)), signal };
}

describe("newSignal", () => {
  for (const [of, carried, position] of [
    [stream(4, 3, "zeros"), 1, 0],
    [stream(4, 1, "zeros"), 3, 0],
    [stream(4, 4, "zeros"), 0, 0],
    [stream(1, 1, "zeros"), 0, 0],
    [stream(4, 3, "none"), 0, 1],
    [stream(4, 1, "none"), 0, 3],
    [stream(4, 4, "none"), 0, 0],
  ] as const) {
    it(`carries ${carried} zeros, and is at ${position}, for ${JSON.stringify(of)}`, () =>
      assert.deepEqual(newSignal(of, spec()), { carried: new Float32Array(carried), position }));
  }

  for (const [datatype, zeros] of [
    ["FP32", new Float32Array(2)],
    ["FP64", new Float64Array(2)],
    ["INT16", new Int16Array(2)],
    ["INT32", new Int32Array(2)],
  ] as const) {
    it(`is of the input's datatype, ${datatype}`, () =>
      assert.deepEqual(newSignal(stream(4, 2, "zeros"), spec([-1, 4], datatype)).carried, zeros));
  }
});

describe("cutWindows", () => {
  for (const [name, of, count, windows, carried, position] of [
    [
      "puts zeros before the first sample",
      stream(4, 2, "zeros"),
      5,
      [window(0, 0, 1, 2), window(1, 2, 3, 4)],
      [3, 4, 5],
      4,
    ],
    [
      "begins with samples alone where nothing is put before them",
      stream(4, 2, "none"),
      7,
      [window(1, 2, 3, 4), window(3, 4, 5, 6)],
      [5, 6, 7],
      6,
    ],
    [
      "cuts side by side where windows do not overlap",
      stream(3, 3, "zeros"),
      7,
      [window(1, 2, 3), window(4, 5, 6)],
      [7],
      6,
    ],
    [
      "makes a window of every value of a window of one",
      stream(1, 1, "none"),
      3,
      [window(1), window(2), window(3)],
      [],
      3,
    ],
    ["waits for a whole window", stream(4, 4, "none"), 3, [], [1, 2, 3], 0],
    ["waits for a whole window behind the zeros", stream(4, 2, "zeros"), 1, [], [0, 0, 1], 0],
    ["waits for a whole first window", stream(4, 1, "none"), 3, [], [1, 2, 3], 3],
    ["makes a window of exactly enough", stream(4, 2, "zeros"), 2, [window(0, 0, 1, 2)], [1, 2], 2],
    ["makes nothing of nothing", stream(4, 2, "zeros"), 0, [], [0, 0], 0],
  ] as const) {
    it(name, () =>
      assert.deepEqual(cutAll(newSignal(of, spec()), ramp(count), of, spec()), {
        windows,
        signal: { carried: Float32Array.from(carried), position },
      }),
    );
  }

  it("goes on where the piece before has ended", () => {
    const of = stream(4, 3, "zeros");
    const { signal } = cutAll(newSignal(of, spec()), ramp(4), of, spec());
    assert.deepEqual(cutAll(signal, ramp(3, 4), of, spec()), {
      windows: [window(3, 4, 5, 6)],
      signal: { carried: Float32Array.of(6, 7), position: 6 },
    });
  });

  for (const [shape, expected] of [
    [[-1], [4]],
    [[4], [4]],
    [
      [-1, 4],
      [1, 4],
    ],
    [
      [-1, -1],
      [1, 4],
    ],
    [
      [1, 1, -1],
      [1, 1, 4],
    ],
    [
      [-1, 1, -1, 4],
      [1, 1, 1, 4],
    ],
  ] as const) {
    it(`makes one row of shape [${expected}] for an input of shape [${shape}]`, () => {
      const of = stream(4, 4, "none");
      const { windows } = cutAll(newSignal(of, spec(shape)), ramp(4), of, spec(shape));
      assert.deepEqual(windows, [{ datatype: "FP32", shape: expected, data: ramp(4) }]);
    });
  }

  for (const [datatype, samples, data] of [
    ["FP64", Float64Array.of(0.1, -2), Float64Array.of(0, 0.1, -2)],
    ["INT16", Int16Array.of(-32768, 7), Int16Array.of(0, -32768, 7)],
    ["INT32", Int32Array.of(-(2 ** 31), 7), Int32Array.of(0, -(2 ** 31), 7)],
  ] as const) {
    it(`keeps ${datatype} as it is`, () => {
      const of = stream(3, 2, "zeros");
      const typed = spec([-1, 3], datatype);
      const { windows } = cutAll(newSignal(of, typed), samples, of, typed);
      assert.deepEqual(windows, [{ datatype, shape: [1, 3], data }]);
    });
  }

  it("leaves what it is given as it was, so that a refused piece changes nothing", () => {
    const of = stream(4, 3, "zeros");
    const before = newSignal(of, spec());
    const samples = ramp(9);
    const first = cutAll(before, samples, of, spec());
    assert.deepEqual([before, samples], [newSignal(of, spec()), ramp(9)]);
    assert.deepEqual(cutAll(before, samples, of, spec()), first);
  });

  it("shares the memory of windows, and keeps no more of it alive than is needed", () => {
    const of = stream(4, 1, "zeros");
    const { windows, signal } = cutAll(newSignal(of, spec()), ramp(1_000), of, spec());
    const buffers = new Set(windows.map(({ data }) => (data as TypedArray).buffer));
    assert.deepEqual([windows.length, buffers.size], [1_000, 1]);
    assert.equal(signal.carried.buffer.byteLength, 3 * 4);
  });
});

describe("the windows of millions of samples", () => {
  const of = stream(1, 1, "none");
  const million = 1_000_000;
  const samples = ramp(8 * million);

  it("are counted, and none is made before it is asked for", () => {
    const heapBefore = process.memoryUsage().heapUsed;
    const cut = cutWindows(newSignal(of, spec()), samples, of, spec());
    const heapGrowth = process.memoryUsage().heapUsed - heapBefore;
    assert.deepEqual([cut.count, cut.signal.position], [8 * million, 8 * million]);
    // As windows alone they would take a hundred times as much; the samples themselves lie outside the heap.
    assert.ok(heapGrowth < 8 * million, `${heapGrowth} bytes`);
  });

  it("are made when asked for, in any order, and not kept", () => {
    const { windowAt } = cutWindows(newSignal(of, spec()), samples, of, spec());
    for (const row of [8 * million - 1, 0, 5 * million, 1]) {
      assert.deepEqual(windowAt(row), window(row + 1));
      assert.notEqual(windowAt(row), windowAt(row));
    }
  });
});

interface Heard {
  readonly windows: readonly { readonly position: number; readonly values: readonly number[] }[];
  readonly signal: Signal;
}

/** What comes of the pieces, one after the other. */
function hear(pieces: readonly Float32Array[], of: StreamSpec): Heard {
  let signal = newSignal(of, spec());
  const windows: Heard["windows"][number][] = [];
  for (const piece of pieces) {
    const cut = cutAll(signal, piece, of, spec());
    for (const [at, { data }] of cut.windows.entries()) {
      const position = signal.position + at * of.hop;
      windows.push({ position, values: Array.from(data as Float32Array) });
    }
    signal = cut.signal;
  }
  return { windows, signal };
}

/** By the definition alone, sample by sample. */
function expectedOf(samples: Float32Array, { window: size, hop, pad }: StreamSpec): Heard {
  const overlap = size - hop;
  const zeros = pad === "zeros" ? overlap : 0;
  const at = (index: number) => (index < zeros ? 0 : (samples[index - zeros] as number));
  const length = zeros + samples.length;
  const windows: Heard["windows"][number][] = [];
  let start = 0;
  for (; start + size <= length; start += hop) {
    const values = Array.from({ length: size }, (_, i) => at(start + i));
    windows.push({ position: start + overlap - zeros, values });
  }
  const carried = Float32Array.from({ length: length - start }, (_, i) => at(start + i));
  return { windows, signal: { carried, position: start + overlap - zeros } };
}

/** Cuts anywhere, also at the same place twice, at the beginning and at the end. */
function pieces(samples: Float32Array, random: Random): readonly Float32Array[] {
  const count = Math.floor(between(random, 0, 12));
  const cuts = Array.from({ length: count }, () =>
    Math.floor(between(random, 0, samples.length + 1)),
  ).toSorted((a, b) => a - b);
  return [0, ...cuts].map((from, at) => samples.subarray(from, cuts[at] ?? samples.length));
}

describe("a signal that comes in pieces", () => {
  for (const [size, hop] of [
    [1, 1],
    [2, 1],
    [4, 4],
    [4, 3],
    [5, 2],
    [7, 1],
    [9, 8],
    [16, 16],
    [25, 10],
  ] as const) {
    for (const pad of ["zeros", "none"] as const) {
      const of = stream(size, hop, pad);
      it(`has the windows, positions and rest of one that comes at once: ${JSON.stringify(of)}`, () => {
        const random = seededRandom(100 * size + 10 * hop + pad.length);
        for (let round = 0; round < 200; round += 1) {
          const samples = ramp(Math.floor(between(random, 0, 120)));
          const expected = expectedOf(samples, of);
          assert.deepEqual(hear([samples], of), expected);
          assert.deepEqual(hear(pieces(samples, random), of), expected);
        }
      });

      it(`has at its position the first new sample of each window: ${JSON.stringify(of)}`, () => {
        const samples = ramp(100);
        for (const { position, values } of hear([samples], of).windows) {
          assert.deepEqual(values.slice(size - hop), Array.from(ramp(hop, position)));
        }
      });

      it(`is the same sample by sample: ${JSON.stringify(of)}`, () => {
        const samples = ramp(60);
        const singles = Array.from(samples, (_, at) => samples.subarray(at, at + 1));
        assert.deepEqual(hear(singles, of), expectedOf(samples, of));
      });
    }
  }
});
