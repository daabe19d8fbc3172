// The ceiling of HTTP in Node: Fastify parses the same request, and answers JSON of the same size, without a model.
import Fastify from "fastify";

const [port, answerText = "{}"] = process.argv.slice(2);
const answer: unknown = JSON.parse(answerText);

const app = Fastify({ logger: false });

app.get("/readyz", () => ({ ready: true }));

app.post("/predict/iris", async () => answer);

await app.listen({ host: "127.0.0.1", port: Number(port) });
