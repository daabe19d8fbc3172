// The main thread's side of the ring: it wakes the engine's thread by a word of memory, and is woken by another.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { builtEntry } from "../built.ts";
import type { Hop } from "./hops.ts";
import { asked, counters, done, newRing, placeOf, readTensor, writeTensor } from "./layout.ts";

interface Wait {
  readonly async: boolean;
  readonly value: Promise<unknown> | string;
}

/** Node has it since 16, the types of es2023 have not. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(counts: Int32Array, at: number, value: number): Wait;
};

export async function startRing(file: string, mostBytes: number): Promise<Hop> {
  const ring = newRing(mostBytes);
  const counts = counters(ring);
  const worker = new Worker(builtEntry("hop/ring-thread"), { workerData: { ring, file } });
  await once(worker, "message");
  const waiters: ((output: Tensor) => void)[] = [];
  const told = { asked: 0, done: 0 };
  const take = () => {
    for (const ended = Atomics.load(counts, done); told.done < ended; told.done += 1) {
      waiters.shift()?.(readTensor(ring, placeOf(ring, told.done, "out")));
    }
    if (told.done < told.asked) listen();
  };
  const listen = () => {
    const wait = waitAsync(counts, done, told.done);
    if (wait.async) void Promise.resolve(wait.value).then(take);
    else queueMicrotask(take);
  };
  const run = (tensor: Tensor) =>
    new Promise<Tensor>((resolve) => {
      waiters.push(resolve);
      writeTensor(ring, placeOf(ring, told.asked, "in"), tensor);
      told.asked += 1;
      Atomics.store(counts, asked, told.asked);
      Atomics.notify(counts, asked);
      if (waiters.length === 1) listen();
    });
  return { run, close: async () => void (await worker.terminate()) };
}
