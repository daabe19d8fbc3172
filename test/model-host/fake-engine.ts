import type {
  Engine,
  LoadedModel,
  NamedTensor,
  RunResult,
  ValueInfo,
} from "../../model-host/engine.ts";
import type { Datatype } from "../../src/protocol/model-metadata.ts";
import { product } from "../../src/tensors/shapes.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

export type Compute = (inputs: readonly NamedTensor[]) => Readonly<Record<string, Tensor>>;

export interface EngineRun {
  readonly inputs: readonly NamedTensor[];
  readonly fetches: readonly string[];
}

/** Runs a function instead of a model. As ONNX Runtime's thread does, it takes the memory of what it is given. */
export class FakeEngine implements Engine {
  takesNext = false;
  readonly runs: EngineRun[] = [];
  readonly #compute: Compute;
  readonly #gates: (() => void)[] = [];
  /** A run does not end before it is let. */
  isGated = false;

  constructor(compute: Compute) {
    this.#compute = compute;
  }

  get takesMemory(): boolean {
    return true;
  }

  load(): Promise<LoadedModel> {
    throw new Error("there is nothing to load");
  }

  async run(inputs: readonly NamedTensor[], fetches: readonly string[]): Promise<RunResult> {
    const taken = structuredClone(inputs, { transfer: memoryOf(inputs) });
    this.runs.push({ inputs: taken, fetches });
    if (this.isGated) await new Promise<void>((resolve) => this.#gates.push(resolve));
    const outputs = this.#compute(taken);
    return { outputs: fetches.map((name) => outputs[name] as Tensor), runMs: 1 };
  }

  /** Lets the run that has begun first end. */
  letOneEnd(): void {
    this.#gates.shift()?.();
  }
}

function memoryOf(inputs: readonly NamedTensor[]): ArrayBuffer[] {
  const memory = inputs.flatMap(({ data }) =>
    ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : [],
  );
  return [...new Set(memory)];
}

export function value(
  name: string,
  dims: readonly (number | string)[],
  datatype: Datatype | null = "FP32",
): ValueInfo {
  return { name, datatype, dims, kind: datatype === null ? "a sequence or map" : "a tensor" };
}

/** Filled with consecutive numbers unless values are given. */
export function fp32(shape: readonly number[], values?: readonly number[]): Tensor {
  const count = product(shape);
  const data = Float32Array.from(values ?? Array.from({ length: count }, (_, at) => at));
  return { datatype: "FP32", shape, data };
}

export function numbersOf({ data }: Tensor): readonly number[] {
  return Array.from(data as Float32Array);
}

/** The same shape, every number changed. */
export function mapped(tensor: Tensor, change: (value: number) => number): Tensor {
  const data = Float32Array.from(tensor.data as Float32Array, change);
  return { datatype: "FP32", shape: tensor.shape, data };
}
