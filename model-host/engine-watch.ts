/*
 * Watches what runs take while a host serves, and moves its engine to the other thread where the review says so. Which
 * requests run when is the host's, and how a second session is loaded the opener's.
 */
import type { Clock, Millis } from "../src/platform/clock.ts";
import type { HostLog } from "../src/platform/late-log.ts";
import type { HostEvent } from "../src/protocol/control.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { EnginePlace, EngineThread } from "../src/protocol/views.ts";
import type { NamedTensor, OwnedEngine } from "./engine.ts";
import type { OpenEngine, Opened } from "./engine-opening.ts";
import { keptRuns, type MeasuredRun, type ReviewVerdict, reviewEngine } from "./engine-review.ts";
import type { LiveEngine } from "./live-engine.ts";

export interface EngineWatchParts {
  readonly live: LiveEngine;
  /** Where the engine is. */
  readonly place: Pick<EnginePlace, "thread">;
  readonly metadata: Pick<ModelMetadata, "inputs">;
  readonly open: OpenEngine;
  /** The engine that serves has ended. */
  readonly onDeath: (reason: string) => void;
  /** Nothing waits or runs. */
  readonly isIdle: () => boolean;
  readonly clock: Clock;
  readonly log: HostLog;
  readonly tell: (event: HostEvent) => Promise<void>;
}

/** A review sorts what it is given. */
const runsPerReview = 16;
/** ONNX Runtime is loaded on the main thread, which holds it for some 50 ms: nobody should be about to ask. */
const quietMs = 1_000;

type Move = Extract<ReviewVerdict, { type: "move" }>;

export class EngineWatch {
  readonly #parts: EngineWatchParts;
  #thread: EngineThread;
  #runs: MeasuredRun[] = [];
  #noted = 0;
  #lastRunAt: Millis = 0;
  #since: Millis;
  #attempts = 0;
  #move: Promise<void> | undefined;
  #disarmQuiet: (() => void) | undefined;
  #isOver = false;

  constructor(parts: EngineWatchParts) {
    this.#parts = parts;
    this.#thread = parts.place.thread;
    this.#since = parts.clock.now();
    parts.live.onRun = (inputs, runMs) => this.#note(this.#rowsOf(inputs), runMs);
  }

  /** Nothing moves after that; resolves when a move that has begun is over, since no thread may end in mid-load. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#disarmQuiet?.();
    await this.#move;
  }

  #rowsOf(inputs: readonly NamedTensor[]): number {
    const specs = this.#parts.metadata.inputs;
    const at = specs.findIndex(({ batchAxis }) => batchAxis !== null);
    const axis = specs[at]?.batchAxis ?? 0;
    return inputs[at]?.shape[axis] ?? 1;
  }

  #note(rows: number, ms: Millis): void {
    this.#lastRunAt = this.#parts.clock.now();
    this.#runs[this.#noted % keptRuns] = { rows, ms };
    this.#noted += 1;
    if (this.#noted % runsPerReview === 0) this.#review();
  }

  #review(): void {
    if (this.#isOver || this.#move !== undefined || this.#disarmQuiet !== undefined) return;
    const verdict = reviewEngine({
      thread: this.#thread,
      runs: this.#runs,
      sinceMs: this.#parts.clock.now() - this.#since,
      attempts: this.#attempts,
    });
    if (verdict.type === "stay") return;
    if (verdict.to === "own") this.#begin(verdict);
    else this.#awaitQuiet(verdict);
  }

  #awaitQuiet(move: Move): void {
    const { clock, isIdle } = this.#parts;
    this.#disarmQuiet = clock.after(quietMs, () => {
      this.#disarmQuiet = undefined;
      if (clock.now() - this.#lastRunAt >= quietMs && isIdle()) this.#begin(move);
      else this.#review();
    });
  }

  #begin(move: Move): void {
    this.#move = this.#carryOut(move).finally(() => {
      this.#move = undefined;
    });
  }

  /** Never rejects: where the other engine cannot be had, this one serves on. */
  async #carryOut(move: Move): Promise<void> {
    const { log, clock } = this.#parts;
    try {
      await this.#replace(move);
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      log.warn({ reason }, "the engine stays on its thread: the other one failed");
    }
    this.#attempts += 1;
    this.#runs = [];
    this.#noted = 0;
    this.#since = clock.now();
  }

  #replace(move: Move): Promise<void> {
    const { live, open, onDeath, log } = this.#parts;
    return new Promise((resolve, reject) => {
      let newcomer: OwnedEngine | undefined;
      let hasDied = false;
      const end = (reason: string) => {
        if (newcomer !== undefined && live.serves(newcomer)) return onDeath(reason);
        hasDied = true;
        live.forgetSuccessor();
        reject(new Error(reason));
      };
      const take = async () => {
        const opened = await open(move.to, end);
        if (hasDied) return;
        if (opened.type === "refused") return this.#stay(opened);
        newcomer = opened.engine;
        const before = await live.replaceWith(newcomer);
        this.#arrive(move);
        await before.close().catch((thrown: unknown) => {
          log.warn({ err: thrown }, "the engine before could not be closed");
        });
      };
      take().then(resolve, reject);
    });
  }

  #stay({ reason, isFinal }: Extract<Opened, { type: "refused" }>): void {
    this.#parts.log.info({ reason }, "the engine stays on its thread");
    if (isFinal) this.#isOver = true;
  }

  #arrive({ to, reason }: Move): void {
    const { log, tell } = this.#parts;
    this.#thread = to;
    log.info({ thread: to, reason }, "the engine moved to another thread");
    if (to === "own") void tell({ type: "slow", reason });
    void tell({ type: "engine", thread: to, reason });
  }
}
