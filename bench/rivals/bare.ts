// The limit: ONNX Runtime in a loop in this process, fed from memory. Only its answers, and when to begin, go over HTTP.
import { type InferenceSession, Tensor } from "onnxruntime-node";
import { serveTensors } from "./tensor-routes.ts";

const [port, models = ""] = process.argv.slice(2);
/** Long enough to tell batch sizes apart. */
const trialMs = 150;
const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128];

interface Run {
  model: string;
  /** Of one row, the first dimension left out. */
  shape: number[];
  /** Rows in each run; without it whatever is fastest. */
  batch?: number;
  windowMs: number;
}

const { app, sessionOf } = await serveTensors(models, ["mlp", "image"]);
const bestBatches = new Map<string, number>();

function inputOf(shape: readonly number[], batch: number): Tensor {
  const dims = [batch, ...shape];
  const values = new Float32Array(dims.reduce((product, size) => product * size, 1));
  return new Tensor("float32", values.fill(0.5), dims);
}

/** Milliseconds of each run, as many as fit. */
async function loop(session: InferenceSession, x: Tensor, windowMs: number): Promise<number[]> {
  const times: number[] = [];
  const endsAt = performance.now() + windowMs;
  for (let at = performance.now(); at < endsAt; ) {
    await session.run({ x });
    const now = performance.now();
    times.push(now - at);
    at = now;
  }
  return times;
}

function rowsPerSecond(times: readonly number[], batch: number): number {
  const totalMs = times.reduce((sum, ms) => sum + ms, 0);
  return (times.length * batch * 1000) / totalMs;
}

async function findBestBatch(session: InferenceSession, shape: readonly number[]): Promise<number> {
  let best = { batch: 1, rate: 0 };
  for (const batch of batchSizes) {
    const times = await loop(session, inputOf(shape, batch), trialMs);
    const rate = rowsPerSecond(times, batch);
    if (rate > best.rate) best = { batch, rate };
  }
  return best.batch;
}

app.post<{ Body: Run }>("/run", async ({ body }) => {
  const { model, shape, windowMs } = body;
  const session = sessionOf(model);
  const batch = body.batch ?? bestBatches.get(model) ?? (await findBestBatch(session, shape));
  if (body.batch === undefined) bestBatches.set(model, batch);
  const times = await loop(session, inputOf(shape, batch), windowMs);
  return { batch, times };
});

await app.listen({ host: "127.0.0.1", port: Number(port) });
