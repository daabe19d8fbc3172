// Fastify with models behind the route of Open Inference V2, in JSON and in binary: what single and bare have in common.
import Fastify from "fastify";
import { InferenceSession, Tensor, type TypedTensor } from "onnxruntime-node";

interface TensorInput {
  shape: number[];
  data?: number[];
}

/** A body in binary: JSON, and the tensor behind it. */
function readBinary(body: Buffer, jsonLength: number): TensorInput & { values: Float32Array } {
  const [input] = JSON.parse(body.toString("latin1", 0, jsonLength)).inputs as [TensorInput];
  const start = body.byteOffset + jsonLength;
  // Where the body does not lie aligned it has to be copied.
  const values =
    start % 4 === 0
      ? new Float32Array(body.buffer, start, (body.length - jsonLength) / 4)
      : new Float32Array(Uint8Array.from(body.subarray(jsonLength)).buffer);
  return { ...input, values };
}

function readTensor(body: unknown, jsonLength: number): Tensor {
  if (Buffer.isBuffer(body)) {
    const { values, shape } = readBinary(body, jsonLength);
    return new Tensor("float32", values, shape);
  }
  const [{ data = [], shape }] = (body as { inputs: [TensorInput] }).inputs;
  return new Tensor("float32", Float32Array.from(data), shape);
}

async function load(models: string, names: readonly string[]) {
  const sessions = new Map<string, InferenceSession>();
  for (const name of names) {
    const path = `${models}/${name}/model.onnx`;
    const extra = { session: { intra_op: { allow_spinning: "0" } } };
    sessions.set(name, await InferenceSession.create(path, { intraOpNumThreads: 1, extra }));
  }
  return sessions;
}

export async function serveTensors(models: string, names: readonly string[]) {
  const sessions = await load(models, names);
  function sessionOf(name: string): InferenceSession {
    const session = sessions.get(name);
    if (session === undefined) throw new Error(`Cannot run ${name}: it is not here`);
    return session;
  }
  const app = Fastify({ logger: false, bodyLimit: 16 * 1024 * 1024 });
  app.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_, body, done) =>
    done(null, body),
  );
  app.get("/readyz", () => ({ ready: true }));
  app.post<{ Params: { name: string } }>("/v2/models/:name/infer", async (request) => {
    const { name } = request.params;
    const jsonLength = Number(request.headers["inference-header-content-length"]);
    const outputs = await sessionOf(name).run({ x: readTensor(request.body, jsonLength) });
    const y = outputs["y"] as TypedTensor<"float32">;
    const output = { name: "y", datatype: "FP32", shape: y.dims, data: [...y.data] };
    return { model_name: name, model_version: "1", outputs: [output] };
  });
  return { app, sessionOf };
}
