// The ceiling of HTTP in Node: Fastify parses the same request, and answers JSON of the same size, without a model.
import Fastify from "fastify";
import { answerSchema } from "./answer-schema.ts";

const [port, answerText = "{}"] = process.argv.slice(2);
const answer: unknown = JSON.parse(answerText);

const app = Fastify({ logger: false });

app.get("/readyz", () => ({ ready: true }));

app.post("/predict/iris", { schema: answerSchema }, (_request, reply) => reply.send(answer));

await app.listen({ host: "127.0.0.1", port: Number(port) });
