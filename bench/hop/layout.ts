// How a run lies in the ring's memory: a slot for what goes in, one for what comes out, each with its heads in front.
import type { NamedTensor } from "../../model-host/engine.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

export interface RingMemory {
  readonly shared: SharedArrayBuffer;
  readonly slotBytes: number;
}

/** Int32 at the front of the memory: how many runs were asked for, and how many are done. */
export const asked = 0;
export const done = 1;

const slots = 2;
const headBytes = 256;
const frontBytes = 64;

export function newRing(mostBytes: number): RingMemory {
  const slotBytes = 2 * headBytes + 8 * Math.ceil(mostBytes / 8);
  return { shared: new SharedArrayBuffer(frontBytes + 2 * slots * slotBytes), slotBytes };
}

export function counters({ shared }: RingMemory): Int32Array {
  return new Int32Array(shared, 0, frontBytes / 4);
}

/** Where the tensor of run number `run` lies; the ring carries one each way. */
export function placeOf({ slotBytes }: RingMemory, run: number, way: "in" | "out"): number {
  return frontBytes + (2 * (run % slots) + (way === "in" ? 0 : 1)) * slotBytes;
}

/** FP32 alone, which favours the ring: of messages any datatype is asked. */
export function writeTensor({ shared }: RingMemory, at: number, { shape, data }: Tensor): void {
  const head = new Int32Array(shared, at, headBytes / 4);
  head[0] = shape.length;
  for (const [axis, size] of shape.entries()) head[1 + axis] = size;
  new Float32Array(shared, at + headBytes, data.length).set(data as Float32Array);
}

/** ONNX Runtime refuses memory that is shared, and an answer must outlive its slot: it is copied out either way. */
export function readTensor({ shared }: RingMemory, at: number): Tensor {
  const head = new Int32Array(shared, at, headBytes / 4);
  const shape = Array.from(head.subarray(1, 1 + (head[0] ?? 0)));
  const count = shape.reduce((product, size) => product * size, 1);
  return { datatype: "FP32", shape, data: new Float32Array(shared, at + headBytes, count).slice() };
}

export function named(name: string, tensor: Tensor): NamedTensor {
  return { name, ...tensor };
}
