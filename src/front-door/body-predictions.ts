/* The predictions that one body asks for: it is read into a place of its own, and then each of them is admitted. */
import type { Millis } from "../platform/clock.ts";
import { type Failure, TroupeError, toFailure } from "../protocol/errors.ts";
import type { DoneFrame } from "../protocol/frames.ts";
import { joined, type Pieces } from "../protocol/pieces.ts";
import type { BodyPart, BodyRoute, PartOutcome } from "./body-route.ts";
import type { Room } from "./entrance.ts";
import type { Permit } from "./permits.ts";
import {
  type Asked,
  type AskedListener,
  Prediction,
  type PredictionAsk,
  type PredictionOutcome,
  type PredictionParts,
  type RequestWishes,
} from "./prediction.ts";
import type { RequestContent } from "./request-content.ts";
import { httpStatus } from "./statuses.ts";

export interface BodyPredictionsParts extends PredictionParts {
  /** The model of a body that may leave it out; null where it may not. */
  readonly defaultModel: string | null;
}

export interface BodyListener extends AskedListener {
  /** The caller's own id, found in the body; gives the one that holds. */
  onRequestId(id: string): string;
}

export type BodyAsk = Pick<PredictionAsk, "requestId" | "beganAt">;

export class BodyPredictions implements Asked {
  readonly model = "";
  readonly #parts: BodyPredictionsParts;
  readonly #route: BodyRoute;
  readonly #listener: BodyListener;
  readonly #beganAt: Millis;
  #requestId: string;
  #wishes: RequestWishes | undefined;
  #room: Room | undefined;
  #predictions: readonly Prediction[] = [];
  readonly #outcomes: PartOutcome[] = [];
  #unsettled = 0;
  #isNoted = false;

  constructor(
    parts: BodyPredictionsParts,
    route: BodyRoute,
    { requestId, beganAt }: BodyAsk,
    listener: BodyListener,
  ) {
    this.#parts = parts;
    this.#route = route;
    this.#requestId = requestId;
    this.#beganAt = beganAt;
    this.#listener = listener;
  }

  admit(wishes: RequestWishes): Failure | undefined {
    this.#wishes = wishes;
    const entered = this.#parts.entrance.enter(wishes);
    if (entered.type === "refused") return entered.failure;
    this.#room = entered;
    return undefined;
  }

  get permit(): Permit | undefined {
    return this.#room?.permit;
  }

  get deadlineAt(): Millis | undefined {
    return this.#room?.deadlineAt;
  }

  submit(content: RequestContent, body: Pieces): void {
    const { parts, requestId } = this.#route.read(joined(body), this.#parts.defaultModel);
    if (requestId !== undefined) this.#requestId = this.#listener.onRequestId(requestId);
    this.#unsettled = parts.length;
    for (const [at, part] of parts.entries()) {
      if (part instanceof TroupeError)
        this.#settle({ type: "failed", failure: toFailure(part) }, at);
      else this.#submitPart(part, content, at);
    }
  }

  cancel(): void {
    for (const prediction of this.#predictions) {
      prediction.cancel();
      prediction.permit?.release();
    }
  }

  /** Those of a batch are noted as they come; without any, that something was asked is noted all the same. */
  note(outcome: PredictionOutcome): void {
    const left =
      this.#predictions.length > 0 ? this.#predictions : [this.#predict("", undefined, 0)];
    if (!this.#isNoted) for (const prediction of left) prediction.note(outcome);
    this.#isNoted = true;
  }

  /** Of a batch each counts as a request of its own; its bytes have been counted with the body. */
  #submitPart({ model, version, body }: BodyPart, content: RequestContent, at: number): void {
    if (this.#wishes === undefined) return;
    const prediction = this.#predict(model, version, at);
    this.#predictions = [...this.#predictions, prediction];
    const bytes = this.#route.isBatch ? 0 : body.length;
    const room = this.#route.isBatch ? undefined : this.#room;
    try {
      const refusal = prediction.admit({ ...this.#wishes, bytes }, room);
      if (refusal === undefined) prediction.submit(content, [body]);
      else this.#onFailed(prediction, refusal, at);
    } catch (thrown) {
      this.#onFailed(prediction, toFailure(thrown), at);
    }
  }

  #predict(model: string, version: string | undefined, at: number): Prediction {
    const { endpoint } = this.#route;
    const ask = { endpoint, model, version, requestId: this.#requestId, beganAt: this.#beganAt };
    const prediction: Prediction = new Prediction(this.#parts, ask, {
      onDone: ({ body }, frame) => this.#onDone(prediction, { body, frame }, at),
      onFailed: (failure) => this.#onFailed(prediction, failure, at),
    });
    return prediction;
  }

  #onDone(
    prediction: Prediction,
    { body, frame }: { readonly body: Buffer; readonly frame: DoneFrame | undefined },
    at: number,
  ): void {
    const { model, version } = prediction;
    const outcome = { type: "done", model, version, body: Buffer.from(body) } as const;
    if (this.#route.isBatch) this.#noteOne(prediction, { status: 200, failure: null, frame });
    this.#settle(outcome, at, frame);
  }

  #onFailed(prediction: Prediction, failure: Failure, at: number): void {
    if (this.#route.isBatch) {
      this.#noteOne(prediction, { status: httpStatus[failure.code], failure });
    }
    this.#settle({ type: "failed", failure }, at);
  }

  #noteOne(prediction: Prediction, outcome: PredictionOutcome): void {
    prediction.note(outcome);
    prediction.permit?.release();
  }

  #settle(outcome: PartOutcome, at: number, frame?: DoneFrame): void {
    this.#outcomes[at] = outcome;
    this.#unsettled -= 1;
    if (this.#unsettled > 0) return;
    if (outcome.type === "failed" && !this.#route.isBatch) this.#listener.onFailed(outcome.failure);
    else
      this.#listener.onDone(
        { jsonBytes: 0, body: this.#write() },
        this.#route.isBatch ? undefined : frame,
      );
  }

  #write(): Buffer {
    const { clock } = this.#parts;
    return this.#route.write(this.#outcomes, {
      requestId: this.#requestId,
      latencyMs: clock.now() - this.#beganAt,
      timestamp: new Date(clock.wall()).toISOString(),
    });
  }
}
