// An engine's thread that sleeps on a word of shared memory instead of its event loop.
import { parentPort, workerData } from "node:worker_threads";
import { Session } from "../../model-host/session.ts";
import {
  asked,
  counters,
  done,
  named,
  placeOf,
  type RingMemory,
  readTensor,
  writeTensor,
} from "./layout.ts";

interface ThreadTask {
  readonly ring: RingMemory;
  readonly file: string;
}

const { ring, file } = workerData as ThreadTask;
const counts = counters(ring);
const session = await Session.load(
  file,
  { threads: 1, executionProviders: ["cpu"], graphOptimization: "all" },
  [],
);
const [input = "", output = ""] = [session.model.inputs[0]?.name, session.model.outputs[0]?.name];
parentPort?.postMessage("loaded");
for (let run = 0; ; run += 1) {
  while (Atomics.load(counts, asked) === run) Atomics.wait(counts, asked, run);
  const tensor = readTensor(ring, placeOf(ring, run, "in"));
  const { outputs } = await session.run([named(input, tensor)], [output]);
  for (const answer of outputs) writeTensor(ring, placeOf(ring, run, "out"), answer);
  Atomics.store(counts, done, run + 1);
  Atomics.notify(counts, done);
}
