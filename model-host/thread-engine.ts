/*
 * Owns the engine's thread; leaves to the host what is run when, and to the supervisor the end of a run that hangs. It is
 * asked in messages: a ring in shared memory would save 12 % of the CPU time of a run of 0.25 ms, and cost a picture 29 %
 * more (2026-11-26, `npm run bench:hop`).
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { NamedFile } from "../src/protocol/control.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { SessionSettings } from "../src/protocol/model-settings.ts";
import type { LoadedModel, NamedTensor, OwnedEngine, RunResult } from "./engine.ts";
import type { EngineReply, EngineRequest } from "./engine-messages.ts";

type Waiter = (reply: EngineReply) => void;

export class ThreadEngine implements OwnedEngine {
  readonly takesMemory = true;
  readonly takesNext = true;
  readonly #worker: Worker;
  readonly #waiters: Waiter[] = [];
  #isClosed = false;

  /** `onDeath` is told when the thread itself ends unasked, after which nothing runs any more. */
  constructor(onDeath: (reason: string) => void) {
    this.#worker = startThread();
    this.#worker.on("message", (reply: EngineReply) => this.#waiters.shift()?.(reply));
    const end = (reason: string) => {
      if (!this.#isClosed) onDeath(reason);
    };
    this.#worker.on("error", (error) => end(error.message));
    this.#worker.on("exit", (code) => end(`the engine's thread ended with code ${code}`));
    // The process lives as long as its channel to the supervisor. After the listeners, since these hold it.
    this.#worker.unref();
  }

  async load(
    file: string,
    settings: SessionSettings,
    beside: readonly NamedFile[],
  ): Promise<LoadedModel> {
    const reply = await this.#ask({ type: "load", file, settings, beside }, []);
    if (reply.type === "loaded") return reply.model;
    throw new TroupeError("invalid-model", reply.type === "failed" ? reply.message : "no answer");
  }

  async run(inputs: readonly NamedTensor[], fetches: readonly string[]): Promise<RunResult> {
    const reply = await this.#ask({ type: "run", inputs, fetches }, memoryOf(inputs));
    if (reply.type === "ran") return reply;
    const cause = reply.type === "failed" ? reply.message : "no answer";
    throw new TroupeError("inference-failed", "Cannot run model: ONNX Runtime refused the inputs", {
      cause,
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const ended = once(this.#worker, "exit");
    await this.#ask({ type: "close" }, []);
    await ended;
  }

  #ask(request: EngineRequest, transfer: ArrayBuffer[]): Promise<EngineReply> {
    return new Promise((resolve) => {
      this.#worker.postMessage(request, transfer);
      this.#waiters.push(resolve);
    });
  }
}

/** A thread cannot be started from a `.ts` file, not even under tsx: it registers tsx itself, then imports the file. */
function startThread(): Worker {
  const ownExtension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const entry = new URL(`./engine-thread.${ownExtension}`, import.meta.url);
  if (ownExtension === "js") return new Worker(entry);
  const tsx = import.meta.resolve("tsx/esm/api");
  const boot = `import(${JSON.stringify(tsx)}).then(({register}) => { register(); return import(${JSON.stringify(entry.href)}); })`;
  return new Worker(boot, { eval: true });
}

/** Inputs that came in one binary request may lie in one piece of memory. */
function memoryOf(inputs: readonly NamedTensor[]): ArrayBuffer[] {
  const memory = new Set<ArrayBuffer>();
  for (const { data } of inputs) {
    if (ArrayBuffer.isView(data)) memory.add(data.buffer as ArrayBuffer);
  }
  return [...memory];
}
