/* opossum's one home: it owns the breaker around the engine, and keeps opossum's words behind it. */
import { EventEmitter } from "node:events";
import CircuitBreaker from "opossum";
import { TroupeError } from "../src/protocol/errors.ts";
import type { BreakerSettings } from "../src/protocol/model-settings.ts";
import type { BreakerState } from "../src/protocol/pressure.ts";

export interface BreakerOptions {
  readonly settings: BreakerSettings;
  readonly runMs: number;
  readonly now: () => number;
  readonly onChange: () => void;
}

const buckets = 10;
/** opossum opens above the threshold; the setting says at it. */
const justBelow = 1e-6;
/** A hung probe would keep opossum half-open for good, so its own timeout fires, but only after ours has. */
const backstopMs = 2_000;

/** One outcome a batch: it fails when no row of it succeeded. Mistakes of clients never come here. */
export class Breaker {
  readonly #circuit: CircuitBreaker<[() => Promise<void>], void>;
  readonly #options: BreakerOptions;
  /** opossum's own timer would wake an idle host for each part of the window. */
  readonly #rotation = new EventEmitter();
  readonly #bucketMs: number;
  #bucketAt: number;
  #openUntil = 0;

  constructor(options: BreakerOptions) {
    const { settings } = options;
    this.#options = options;
    this.#bucketMs = Math.max(1, Math.floor(settings.windowMs / buckets));
    this.#bucketAt = options.now();
    this.#circuit = new CircuitBreaker((run: () => Promise<void>) => run(), {
      timeout: options.runMs + backstopMs,
      errorThresholdPercentage: settings.errorThresholdPercent - justBelow,
      volumeThreshold: settings.minRequests,
      rollingCountTimeout: settings.windowMs,
      rollingCountBuckets: buckets,
      rotateBucketController: this.#rotation,
      resetTimeout: settings.resetMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    });
    this.#circuit.on("open", () => {
      this.#openUntil = options.now() + settings.resetMs;
      options.onChange();
    });
    this.#circuit.on("halfOpen", options.onChange);
    this.#circuit.on("close", options.onChange);
  }

  get state(): BreakerState {
    if (this.#circuit.opened) return "open";
    return this.#circuit.halfOpen ? "half-open" : "closed";
  }

  /** How long it stays open, milliseconds. */
  get retryMs(): number {
    return this.state === "open" ? Math.max(0, this.#openUntil - this.#options.now()) : 0;
  }

  /** Resolves when the run has been counted, whatever came of it; rejects only where it was not let through. */
  async guard(run: () => Promise<void>): Promise<void> {
    let began = false;
    this.#rotate();
    const outcome = this.#circuit.fire(() => {
      began = true;
      return run().finally(() => this.#rotate());
    });
    await outcome.catch((thrown: unknown) => {
      if (!began) throw toTroupeError(thrown, this.retryMs);
    });
  }

  /** Brings the window to now, before anything is counted in it. */
  #rotate(): void {
    const passed = Math.floor((this.#options.now() - this.#bucketAt) / this.#bucketMs);
    this.#bucketAt += passed * this.#bucketMs;
    for (let turn = Math.min(passed, buckets); turn > 0; turn -= 1) this.#rotation.emit("rotate");
  }

  close(): void {
    this.#circuit.shutdown();
  }
}

function toTroupeError(thrown: unknown, retryAfterMs: number): TroupeError {
  return new TroupeError("model-unavailable", "Cannot run model: its circuit breaker is open", {
    cause: thrown,
    retryAfterMs,
  });
}
