/* Any tensors, for properties that must hold for all of them, and a model that takes and gives just these. */
import assert from "node:assert/strict";
import fc, { type Arbitrary } from "fast-check";
import { type Datatype, datatypes } from "../../src/protocol/model-metadata.ts";
import type { Answer, DecodedRequest, ServedModel } from "../../src/tensors/codec.ts";
import { allocate } from "../../src/tensors/datatypes.ts";
import { product } from "../../src/tensors/shapes.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

const mostElements = 512;
const mostInOneDim = 5_000;

/** From none to eight dims, zeros among them; now and then one long dim. */
const anyShape: Arbitrary<readonly number[]> = fc.oneof(
  { weight: 9, arbitrary: fc.array(fc.nat({ max: 5 }), { maxLength: 8 }).map(withinBounds) },
  { weight: 1, arbitrary: fc.nat({ max: mostInOneDim }).map((size) => [size]) },
);

function withinBounds(dims: readonly number[]): readonly number[] {
  let left = mostElements;
  return dims.map((dim) => {
    const size = dim > left ? 1 : dim;
    left = Math.floor(left / Math.max(size, 1));
    return size;
  });
}

/** Texts that BYTES take: whole characters, no NUL. */
const anyText = fc
  .string({ unit: "binary", maxLength: 12 })
  .map((text) => text.replaceAll("\0", ""));

const eightBytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
/** Zeros of both signs, ones, infinities, NaN, the smallest and the largest, of several widths. */
const edges = fc.constantFrom(
  ...[0n, 1n, 2n ** 31n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n],
  ...[
    0x8000_0000_8000_0000n,
    0x7f80_0000_ff80_0000n,
    0x7fc0_0001_7f7f_ffffn,
    0x3f80_0000_0000_0001n,
  ],
  ...[0x7ff0_0000_0000_0000n, 0x7fef_ffff_ffff_ffffn, 0x3ff0_0000_0000_0000n],
);
const edgeBytes = edges.map((bits) => new Uint8Array(BigUint64Array.of(bits).buffer));
/** Elements of any width, to be repeated over a tensor. */
const anyBits = fc
  .array(fc.oneof(eightBytes, edgeBytes), { minLength: 1, maxLength: 12 })
  .map((pieces) => Buffer.concat(pieces));
const someTexts = fc.array(anyText, { minLength: 1, maxLength: 12 });

interface Wanted {
  readonly types?: readonly Datatype[];
  /** What is not finite has no form in JSON. */
  readonly finite?: boolean;
  readonly shape?: Arbitrary<readonly number[]>;
}

export function anyTensor({
  types = datatypes,
  finite = false,
  shape = anyShape,
}: Wanted = {}): Arbitrary<Tensor> {
  return fc
    .tuple(fc.constantFrom(...types), shape, anyBits, someTexts)
    .map(([datatype, dims, bits, texts]) => {
      const data = allocate(datatype, product(dims));
      if (ArrayBuffer.isView(data)) fillBytes(data, datatype === "BOOL" ? bits.map(lastBit) : bits);
      else data.splice(0, data.length, ...Array.from(data, (_, i) => repeated(texts, i)));
      if (finite) makeFinite(data);
      return { datatype, shape: dims, data };
    });
}

function fillBytes({ buffer }: ArrayBufferView, bits: Uint8Array): void {
  const bytes = new Uint8Array(buffer);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = repeated(bits, i);
}

function repeated<T>(values: ArrayLike<T>, i: number): T {
  return values[i % values.length] as T;
}

function lastBit(byte: number): number {
  return byte & 1;
}

export function someTensors(wanted: Wanted = {}): Arbitrary<readonly Tensor[]> {
  return fc.array(anyTensor(wanted), { minLength: 1, maxLength: 3 });
}

export const jsonDatatypes = datatypes.filter((type) => type !== "FP16" && type !== "BF16");

function makeFinite(data: unknown): void {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return;
  for (let i = 0; i < data.length; i += 1) if (!Number.isFinite(data[i])) data[i] = -i;
}

/** Inputs `in_0`, `in_1` … and outputs `out_0` … of just these shapes; with `open`, of any sizes. */
export function modelOf(tensors: readonly Tensor[], { open = false } = {}): ServedModel {
  const specs = (prefix: string) =>
    tensors.map(({ datatype, shape }, i) => {
      const dims = open ? shape.map(() => -1) : shape;
      return { name: `${prefix}_${i}`, datatype, shape: dims, batchAxis: null };
    });
  return {
    name: "m",
    version: "1",
    labels: [],
    metadata: {
      inputs: specs("in"),
      outputs: specs("out"),
      batching: { type: "unbatched", reason: "tested as it is" },
      notServable: [],
      externalFiles: [],
      state: [],
      stream: null,
    },
    standIns: tensors.map(() => null),
  };
}

/** The answer of a model that gives back what it got; `isBinary` says how each output is wanted. */
export function answerWith(tensors: readonly Tensor[], isBinary?: readonly boolean[]): Answer {
  const request: DecodedRequest = {
    inputs: tensors,
    rows: 1,
    outputs: tensors.map((_, i) => i),
    ...(isBinary && { forms: isBinary.map((binary) => ({ isBinary: binary, classes: null })) }),
    id: undefined,
    bringsState: false,
    isSignal: false,
  };
  return { request, requestId: "r", outputs: tensors };
}

/** Bit by bit, as NaN is not NaN and -0 is 0 to `deepEqual`'s likes. */
export function assertSame(actual: readonly Tensor[], expected: readonly Tensor[]): void {
  assert.deepEqual(actual.map(plain), expected.map(plain));
}

function plain({ datatype, shape, data }: Tensor): unknown {
  if (!ArrayBuffer.isView(data)) return { datatype, shape, data };
  const bits = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");
  return { datatype, shape, kind: data.constructor.name, length: data.length, bits };
}
