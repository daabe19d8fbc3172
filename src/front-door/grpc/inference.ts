/* One ModelInferRequest on its way: a prediction, answered once, whether it came alone or on a stream. */
import { lengthPrefix } from "../../protocol/binary-body.ts";
import { type Failure, toFailure } from "../../protocol/errors.ts";
import type { AnswerBytes, DoneFrame, Priority } from "../../protocol/frames.ts";
import { Prediction, type PredictionParts } from "../prediction.ts";
import { httpStatus } from "../statuses.ts";
import type { InferRequest } from "./infer-request.ts";

export interface InferenceAsk {
  /** The method's path, for the log. */
  readonly route: string;
  readonly requestId: string;
  readonly timeoutMs: number | null;
  readonly priority: Priority;
  /** One of these two comes, once; the answer's bytes are gone on return. What is thrown becomes the failure. */
  readonly onDone: (answer: AnswerBytes) => void;
  readonly onFailed: (failure: Failure) => void;
}

export class Inference {
  readonly #ask: InferenceAsk;
  readonly #request: InferRequest;
  readonly #prediction: Prediction;
  #isSettled = false;

  constructor(parts: PredictionParts, ask: InferenceAsk, request: InferRequest) {
    this.#ask = ask;
    this.#request = request;
    const { model, version } = request;
    const { route: endpoint, requestId } = ask;
    const beganAt = parts.clock.now();
    this.#prediction = new Prediction(
      parts,
      { endpoint, model, version, requestId, beganAt },
      {
        onDone: (answer, frame) => this.#done(answer, frame),
        onFailed: (failure) => this.#fail(failure),
      },
    );
  }

  begin(): void {
    const { json, codec, body, refusal } = this.#request;
    const { timeoutMs, priority } = this.#ask;
    const jsonBytes = json.length;
    try {
      if (refusal !== undefined) throw refusal;
      const failure = this.#prediction.admit({ bytes: body.length, timeoutMs, priority });
      if (failure !== undefined) this.#fail(failure);
      else this.#prediction.submit({ codec, prefix: lengthPrefix(jsonBytes), jsonBytes }, [body]);
    } catch (thrown) {
      this.#fail(toFailure(thrown));
    }
  }

  /** Nobody waits for the answer any more, and nobody gets one. */
  leave(failure: Failure): void {
    if (this.#isSettled) return;
    this.#prediction.cancel();
    this.#settle(failure, undefined);
  }

  /** Its answer has left, or will not. */
  release(): void {
    this.#prediction.permit?.release();
  }

  #done(answer: AnswerBytes, frame: DoneFrame | undefined): void {
    if (this.#isSettled) return;
    try {
      this.#ask.onDone(answer);
    } catch (thrown) {
      this.#fail(toFailure(thrown));
      return;
    }
    this.#settle(null, frame);
  }

  #fail(failure: Failure): void {
    if (this.#isSettled) return;
    this.#settle(failure, undefined);
    this.#ask.onFailed(failure);
  }

  /** Logged with the status that it would have over HTTP. */
  #settle(failure: Failure | null, frame: DoneFrame | undefined): void {
    this.#isSettled = true;
    const status = failure === null ? 200 : httpStatus[failure.code];
    this.#prediction.note({ status, failure, frame });
  }
}
