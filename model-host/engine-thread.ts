/* The engine's thread: it owns the session and answers the host's main thread, one request after the other. */
import { parentPort } from "node:worker_threads";
import type { Tensor } from "../src/tensors/tensor.ts";
import type { EngineReply, EngineRequest } from "./engine-messages.ts";
import { ortWords, Session } from "./session.ts";

let session: Session | undefined;

async function answer(request: EngineRequest): Promise<EngineReply> {
  switch (request.type) {
    case "load":
      session = await Session.load(request.file, request.settings, request.beside);
      return { type: "loaded", model: session.model };
    case "run":
      if (session === undefined) throw new Error("no model is loaded");
      return { type: "ran", ...(await session.run(request.inputs, request.fetches)) };
    case "close":
      await session?.close();
      return { type: "closed" };
  }
}

function memoryOf(outputs: readonly Tensor[]): ArrayBuffer[] {
  const memory = new Set<ArrayBuffer>();
  for (const { data } of outputs) {
    if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer) memory.add(data.buffer);
  }
  return [...memory];
}

parentPort?.on("message", (request: EngineRequest) => {
  void answer(request)
    .catch((thrown: unknown): EngineReply => ({ type: "failed", message: ortWords(thrown) }))
    .then((reply) => {
      const memory = reply.type === "ran" ? memoryOf(reply.outputs) : [];
      parentPort?.postMessage(reply, memory);
      if (reply.type === "closed") parentPort?.close();
    });
});
