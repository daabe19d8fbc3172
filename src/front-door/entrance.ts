/* The one way in for predictions, whatever carries them: which model, until when, and whether there is room. */
import type { Clock, Millis } from "../platform/clock.ts";
import type { DoorSettings } from "../protocol/control.ts";
import { type Failure, TroupeError, toError } from "../protocol/errors.ts";
import type { Priority } from "../protocol/frames.ts";
import { type Admission, admit, admitToRoom } from "./admission.ts";
import type { Directory, Target } from "./directory.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { DoorMetrics, ModelSeries } from "./door-metrics.ts";
import type { SequenceCall } from "./flight.ts";
import type { Permit, Permits } from "./permits.ts";
import { deadlineFor } from "./request-head.ts";

export interface Ask {
  readonly model: string;
  readonly version: string | undefined;
  readonly bytes: number;
  readonly timeoutMs: number | null;
  readonly priority: Priority;
  /** Whether the connection takes nothing more; by default it does. */
  readonly draining?: boolean;
  /** The sequence that it belongs to, and whether it is the first of it. */
  readonly sequence?: Pick<SequenceCall, "seat" | "start"> | null;
  /** Of a request that has been given room already; it stays its holder's to release. */
  readonly room?: Room | undefined;
}

/** A place in the front door, for a request whose model is not known yet. */
export interface Room {
  readonly type: "room";
  readonly permit: Permit;
  readonly arrivedAt: Millis;
  /** As far as can be told without the model's own. */
  readonly deadlineAt: Millis;
}

export interface Admitted {
  readonly type: "admitted";
  readonly target: Target;
  readonly permit: Permit;
  readonly deadlineAt: Millis;
  readonly series: ModelSeries;
}

/** What the caller gets instead. A value: to throw it takes about as long as all else that a refusal does here. */
export interface Refused {
  readonly type: "refused";
  readonly failure: Failure;
  /** Undefined where not even the model is known. */
  readonly version: string | undefined;
}

export interface EntranceParts {
  readonly clock: Clock;
  readonly settings: DoorSettings;
  readonly directory: Directory;
  readonly dispatcher: Dispatcher;
  readonly permits: Permits;
  readonly metrics: DoorMetrics;
}

/** Room comes with every answer. */
const growthRetryMs = 100;
/** How requests are counted whose model nobody knows yet. */
const noModel = "";

type Shed = Extract<Admission, { type: "shed" }>;

export class Entrance {
  readonly #parts: EntranceParts;

  constructor(parts: EntranceParts) {
    this.#parts = parts;
  }

  /** Before a body that names its model is read. */
  enter(ask: Pick<Ask, "bytes" | "timeoutMs" | "priority">): Room | Refused {
    const { clock, settings, permits } = this.#parts;
    const { bytes, priority } = ask;
    const { maxInFlight, maxInFlightBytes } = settings;
    const { requests: inFlight, bytes: inFlightBytes } = permits;
    const facts = { inFlight, maxInFlight, inFlightBytes, maxInFlightBytes, bytes, priority };
    const verdict = admitToRoom(facts);
    if (verdict.type === "shed") return this.#refuse(verdict, noModel, undefined);
    const arrivedAt = clock.now();
    const deadlineAt = deadlineFor(ask.timeoutMs, null, settings, arrivedAt);
    return { type: "room", permit: permits.take(ask.bytes), arrivedAt, deadlineAt };
  }

  /** As `judge`, but throws the TroupeError that the caller gets. */
  admit(ask: Ask): Admitted {
    const judged = this.judge(ask);
    if (judged.type === "refused") throw toError(judged.failure);
    return judged;
  }

  /** The permit of what is admitted is the caller's to release. Throws where there is no such model or version. */
  judge(ask: Ask): Admitted | Refused {
    const { clock, settings, directory, dispatcher, permits, metrics } = this.#parts;
    const target = directory.find(ask.model, ask.version);
    const { model, version } = target;
    const series = metrics.model(model.name, version.version);
    const now = clock.now();
    const arrivedAt = ask.room?.arrivedAt ?? now;
    const deadlineAt = deadlineFor(ask.timeoutMs, model.requestMs, settings, arrivedAt);
    // Written out: to spread the facts of the room here cost a third of all that this process does for a request
    // (2026-11-26, node --cpu-prof, tiny-64).
    const verdict = admit({
      inFlight: permits.requests,
      maxInFlight: settings.maxInFlight,
      inFlightBytes: permits.bytes,
      maxInFlightBytes: settings.maxInFlightBytes,
      bytes: ask.bytes,
      priority: ask.priority,
      draining: ask.draining ?? false,
      hasRoom: ask.room !== undefined,
      allowanceMs: deadlineAt - now,
      state: version.state,
      reason: reasonOf(target),
      backInMs: Math.max(0, (version.backAt ?? now) - now),
      maxOutstandingRequests: model.maxOutstandingRequests,
      maxOutstandingBytes: model.maxOutstandingBytes,
      isSeated: ask.sequence?.start === false && ask.sequence.seat.link?.isAlive === true,
      beginsSequence: ask.sequence?.start ?? false,
      maxSequences: model.maxSequences,
      replicas: dispatcher.loads(model.name, version.version, ask.sequence?.seat),
    });
    if (verdict.type === "admit") {
      const permit = ask.room?.permit ?? permits.take(ask.bytes);
      return { type: "admitted", target, permit, deadlineAt, series };
    }
    series.predictions(verdict.failure.code).add();
    return this.#refuse(verdict, model.name, version.version);
  }

  #refuse({ reason, failure }: Shed, model: string, version: string | undefined): Refused {
    this.#parts.metrics.shed(model, reason).add();
    return { type: "refused", failure, version };
  }

  /** A body that declared no length was admitted as nothing: what it gets instead when there is no room for it. */
  grow(permit: Permit, bytes: number, model = noModel): TroupeError | undefined {
    const { permits, settings, metrics } = this.#parts;
    if (!permit.grow(bytes)) return undefined;
    if (permits.requests === 1 || permits.bytes <= settings.maxInFlightBytes) return undefined;
    metrics.shed(model, "bytes").add();
    const words = `${permits.bytes} of ${settings.maxInFlightBytes} bytes are in flight`;
    return new TroupeError("overloaded", `Cannot take request: ${words}`, {
      retryAfterMs: growthRetryMs,
    });
  }
}

/** The full reason may hold ONNX Runtime's words, which are for those who manage models. */
function reasonOf({ model: { name }, version: { version, state, reason } }: Target): string | null {
  if (state === "unavailable") {
    const words = `version '${version}' of model '${name}' cannot be served: GET /models/${name} says why`;
    return `${words}; POST /models/${name}/load?version=${version} tries it again`;
  }
  if (state !== "unloaded") return reason;
  return `version '${version}' of model '${name}' is not loaded; POST /models/${name}/load loads it`;
}
