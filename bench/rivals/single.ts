// What one would write without a model server: Fastify and ONNX Runtime in one process, a run for each request.
import { randomUUID } from "node:crypto";
import Fastify from "fastify";
import { InferenceSession, Tensor, type TypedTensor } from "onnxruntime-node";
import { answerSchema } from "./answer-schema.ts";

const [port, modelPath = ""] = process.argv.slice(2);
const species = ["setosa", "versicolor", "virginica"];

const session = await InferenceSession.create(modelPath, {
  intraOpNumThreads: 1,
  extra: { session: { intra_op: { allow_spinning: "0" } } },
});

interface Features {
  features: number[] | number[][];
}

function best(scores: number[]) {
  const score = Math.max(...scores);
  return { label: species[scores.indexOf(score)], score };
}

const app = Fastify({ logger: false, genReqId: () => randomUUID() });

app.get("/readyz", () => ({ ready: true }));

app.post<{ Body: Features }>("/predict/iris", { schema: answerSchema }, async (request) => {
  const values = Float32Array.from(request.body.features.flat());
  const x = new Tensor("float32", values, [values.length / 4, 4]);
  const outputs = await session.run({ x }, ["probabilities"]);
  const scores = [...(outputs["probabilities"] as TypedTensor<"float32">).data];
  const predictions: number[][] = [];
  for (let row = 0; row < scores.length; row += 3) predictions.push(scores.slice(row, row + 3));
  const labels = predictions.map(best);
  return { model: "iris", version: "1", predictions, labels, request_id: request.id };
});

await app.listen({ host: "127.0.0.1", port: Number(port) });
