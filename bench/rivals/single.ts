// What one would write without a model server: Fastify and ONNX Runtime in one process, a run for each request.
import { randomUUID } from "node:crypto";
import { Tensor, type TypedTensor } from "onnxruntime-node";
import { answerSchema } from "./answer-schema.ts";
import { serveTensors } from "./tensor-routes.ts";

const [port, models = ""] = process.argv.slice(2);
const species = ["setosa", "versicolor", "virginica"];

const { app, sessionOf } = await serveTensors(models, ["iris", "mlp", "image"]);
const iris = sessionOf("iris");

interface Features {
  features: number[] | number[][];
}

function best(scores: number[]) {
  const score = Math.max(...scores);
  return { label: species[scores.indexOf(score)], score };
}

app.post<{ Body: Features }>("/predict/iris", { schema: answerSchema }, async (request) => {
  const values = Float32Array.from(request.body.features.flat());
  const x = new Tensor("float32", values, [values.length / 4, 4]);
  const outputs = await iris.run({ x }, ["probabilities"]);
  const scores = [...(outputs["probabilities"] as TypedTensor<"float32">).data];
  const predictions: number[][] = [];
  for (let row = 0; row < scores.length; row += 3) predictions.push(scores.slice(row, row + 3));
  const labels = predictions.map(best);
  return { model: "iris", version: "1", predictions, labels, request_id: randomUUID() };
});

await app.listen({ host: "127.0.0.1", port: Number(port) });
