/*
 * What a host runs before it says that it is ready: warm-up requests, and golden samples whose answers are known. Their
 * requests go the way of all others, but through a host of their own, so that nothing is left of them.
 */
import type { HostEvent, HostStep } from "../src/protocol/control.ts";
import { TroupeError, toError } from "../src/protocol/errors.ts";
import type { RequestFrame } from "../src/protocol/frames.ts";
import type { GoldenSample } from "../src/protocol/model-settings.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import { plainOutputs } from "../src/tensors/model-state.ts";
import type { LoadedEngine } from "./engine-choice.ts";
import { findFault, parseExpected } from "./golden-comparison.ts";
import { Host } from "./host.ts";
import { createHostMetrics } from "./host-metrics.ts";
import type { HostParts } from "./host-parts.ts";
import { warmUp } from "./warm-up.ts";
import type { Door } from "./work.ts";

/** `model` is what the engine has loaded. Rejects with `invalid-model`, saying which request was not answered as it must. */
export async function rehearse(
  parts: HostParts,
  { model, isWarm }: Pick<LoadedEngine, "model" | "isWarm">,
): Promise<void> {
  const { spec, tell } = parts;
  const rehearsal = new Rehearsal(parts);
  try {
    await tell(step("warmup"));
    if (spec.warmup !== null) await rehearsal.warmUp(spec.warmup);
    // Rows that are made up killed the host before this one.
    else if (spec.skipTrial === null && !isWarm) await warmUp(parts.engine, model, parts.metadata);
    if (spec.golden.length === 0) return;
    await tell(step("golden"));
    await rehearsal.prove(spec.golden);
  } finally {
    rehearsal.close();
  }
}

function step(name: HostStep): HostEvent {
  return { type: "step", step: name };
}

/** Beyond its run's limit, at which the supervisor hears of it. */
const graceMs = 1_000;

class Rehearsal {
  readonly #parts: HostParts;
  readonly #host: Host;
  #lastId = 0;

  constructor(parts: HostParts) {
    const { spec, tell } = parts;
    this.#parts = parts;
    this.#host = new Host({
      ...parts,
      spec: {
        ...spec,
        batching: { ...spec.batching, maxQueueDelayMs: 0 },
        objective: { p99Ms: null },
      },
      metrics: createHostMetrics(spec.model, spec.version),
      // The supervisor takes the first answer for that of a host that serves.
      tell: async (event) => (event.type === "answered" ? undefined : tell(event)),
      onPressure: () => undefined,
    });
  }

  async warmUp(bodies: readonly string[]): Promise<void> {
    for (const [at, body] of bodies.entries()) {
      await named(`warmup[${at}]`, async () => void (await this.#ask(body)));
    }
  }

  async prove(samples: readonly GoldenSample[]): Promise<void> {
    for (const [at, sample] of samples.entries()) {
      await named(`golden[${at}]`, () => this.#proveOne(sample));
    }
  }

  close(): void {
    this.#host.close();
  }

  async #proveOne({ request, outputs, tolerance }: GoldenSample): Promise<void> {
    const expected = parseExpected(outputs);
    const fault = findFault(expected, await this.#ask(request), tolerance);
    if (fault !== undefined) throw new Error(fault);
  }

  /** The elements of each output in the answer. */
  async #ask(body: string): Promise<ReadonlyMap<string, unknown>> {
    const answer = await new Promise<Uint8Array>((resolve, reject) => {
      this.#host.accept(this.#frame(body), doorOf(resolve, reject));
      this.#host.pump();
    });
    return elementsOf(answer, this.#host.model);
  }

  #frame(body: string): RequestFrame {
    this.#lastId += 1;
    const { clock, spec } = this.#parts;
    return {
      type: "request",
      id: this.#lastId,
      codec: "predict",
      alone: false,
      stream: false,
      priority: "normal",
      deadlineAt: clock.now() + spec.runMs + graceMs,
      requestId: `rehearsal-${this.#lastId}`,
      sequence: null,
      hurried: false,
      traced: false,
      body: Buffer.from(body),
    };
  }
}

interface PredictAnswer {
  readonly predictions: unknown;
  readonly outputs?: Readonly<Record<string, { readonly data: unknown }>>;
}

/** Of a model with one output the predictions are all there is. */
function elementsOf(body: Uint8Array, model: ServedModel): ReadonlyMap<string, unknown> {
  const { predictions, outputs }: PredictAnswer = JSON.parse(Buffer.from(body).toString());
  const only = model.metadata.outputs[plainOutputs(model)[0] ?? 0]?.name ?? "";
  if (outputs === undefined) return new Map([[only, predictions]]);
  return new Map(Object.entries(outputs).map(([name, { data }]) => [name, data]));
}

async function named(name: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new TroupeError("invalid-model", `${name}: ${message}`, { cause: thrown });
  }
}

/** Takes the answer to one request. */
function doorOf(resolve: (json: Uint8Array) => void, reject: (error: Error) => void): Door {
  return {
    running: () => undefined,
    chunk: () => undefined,
    trace: () => undefined,
    done: ({ body }) => resolve(body.json),
    failed: ({ failure }) => reject(toError(failure)),
    ended: () => undefined,
    flush: () => undefined,
  };
}
