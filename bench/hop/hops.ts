// The ways to the engine's thread and back that are compared.
import type { Tensor } from "../../src/tensors/tensor.ts";
import { builtModule } from "../built.ts";
import { startRing } from "./ring.ts";

export interface Hop {
  /** At most two at a time, which is as many as a host gives its engine. Takes the tensor's memory. */
  run(tensor: Tensor): Promise<Tensor>;
  close(): Promise<void>;
}

export const hopNames = ["messages", "ring"] as const;
export type HopName = (typeof hopNames)[number];

export function startHop(name: HopName, file: string, mostBytes: number): Promise<Hop> {
  return name === "ring" ? startRing(file, mostBytes) : startMessages(file);
}

/** As hosts have it. */
async function startMessages(file: string): Promise<Hop> {
  const { ThreadEngine }: typeof import("../../model-host/thread-engine.ts") = await builtModule(
    "model-host/thread-engine",
  );
  const engine = new ThreadEngine(() => undefined);
  const session = { threads: 1, executionProviders: ["cpu"], graphOptimization: "all" } as const;
  const { inputs, outputs } = await engine.load(file, session, []);
  const [input = "", output = ""] = [inputs[0]?.name, outputs[0]?.name];
  const run = async (tensor: Tensor) => {
    const result = await engine.run([{ name: input, ...tensor }], [output]);
    return result.outputs[0] as Tensor;
  };
  return { run, close: async () => engine.close() };
}
