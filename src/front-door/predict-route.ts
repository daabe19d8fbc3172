/*
 * Predictions over HTTP, on plain node:http in front of Fastify: the hot road. It reads heads and sizes; the body goes
 * to the host as it came, and the answer's bytes go back untouched. What each prediction asks for is its own.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Millis } from "../platform/clock.ts";
import { type Failure, type TroupeError, toFailure } from "../protocol/errors.ts";
import type { AnswerBytes, DoneFrame } from "../protocol/frames.ts";
import type { Pieces } from "../protocol/pieces.ts";
import {
  type BodyListener,
  BodyPredictions,
  type BodyPredictionsParts,
} from "./body-predictions.ts";
import type { BodyRoute } from "./body-route.ts";
import { answerCoding, type Coding, codings, knownCoding, pack } from "./content-coding.ts";
import type { DoorMetrics } from "./door-metrics.ts";
import { formFor } from "./failure-form.ts";
import { sendAnswer, sendEarlyFailure, sendFailure } from "./http-answer.ts";
import { matchBackendPath } from "./neighbours/ai-backend.ts";
import { neighbourRoutes } from "./neighbours/body-routes.ts";
import { matchPredictPath, type PredictPath } from "./predict-path.ts";
import { type Asked, Prediction, type PredictionOutcome } from "./prediction.ts";
import { RefusalLane } from "./refusal-lane.ts";
import { declaredLength, readBody } from "./request-body.ts";
import { contentOf, type RequestContent } from "./request-content.ts";
import { priorityOf, requestIdOf, timeoutOf } from "./request-head.ts";
import { endIfUntaken } from "./untaken-answer.ts";

export interface PredictRouteParts extends BodyPredictionsParts {
  readonly metrics: DoorMetrics;
  readonly maxBodyBytes: number;
  /** Open Inference V2 refuses as Triton does. */
  readonly compatTriton: boolean;
  /** Whether every answer ends its connection. */
  readonly isDraining: () => boolean;
}

export type PlainHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

type Route = PredictPath | BodyRoute;

/** False where the request is none of ours. */
export function predictRoute(given: PredictRouteParts): PlainHandler {
  const parts = { ...given, refusals: new RefusalLane() };
  return (request, response) => {
    const route = routeOf(request);
    if (route === undefined) return false;
    new Exchange(parts, route, request, response).begin();
    return true;
  };
}

function routeOf({ method, url }: IncomingMessage): Route | undefined {
  if (url === undefined) return undefined;
  if (method === "GET") return matchBackendPath(url);
  if (method !== "POST") return undefined;
  return matchPredictPath(url) ?? neighbourRoutes.get(pathOf(url)) ?? matchBackendPath(url);
}

function pathOf(url: string): string {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

interface ExchangeParts extends PredictRouteParts {
  readonly refusals: RefusalLane;
}

/** One request and its answer. */
class Exchange {
  readonly #parts: ExchangeParts;
  readonly #route: Route;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #asked: Asked;
  readonly #beganAt: Millis;
  #requestId: string;
  #content: RequestContent | undefined;
  #isAnswered = false;
  #disarmUpload: (() => void) | undefined;

  constructor(
    parts: ExchangeParts,
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    this.#parts = parts;
    this.#route = route;
    this.#request = request;
    this.#response = response;
    this.#requestId = requestIdOf(request.headers);
    this.#beganAt = parts.clock.now();
    this.#asked = this.#askedOf(route);
  }

  #askedOf(route: Route): Asked {
    const [requestId, beganAt] = [this.#requestId, this.#beganAt];
    const listener: BodyListener = {
      onDone: (answer, frame) => this.#done(answer, frame),
      onFailed: (failure) => this.#fail(failure, true),
      onRequestId: (id) => this.#adopt(id),
    };
    if ("read" in route) {
      return new BodyPredictions(this.#parts, route, { requestId, beganAt }, listener);
    }
    const { endpoint, hurried, model, version } = route;
    const ask = { endpoint, hurried, model, version, requestId, beganAt };
    return new Prediction(this.#parts, ask, listener);
  }

  /** One id for one request: the head's goes before the body's. */
  #adopt(id: string): string {
    const isNamed = this.#request.headers["x-request-id"] !== undefined;
    if (!isNamed) this.#requestId = requestIdOf({ "x-request-id": id });
    return this.#requestId;
  }

  begin(): void {
    const refusal = this.#judge();
    if (refusal !== undefined) {
      this.#parts.refusals.add(() => this.#refuse(refusal));
      return;
    }
    this.#response.on("close", () => this.#close());
    if (this.#request.headers.expect !== undefined) this.#response.writeContinue();
    const { maxBodyBytes: maxBytes } = this.#parts;
    const limits = { maxBytes, onBytes: (bytes: number) => this.#grow(bytes) };
    const onBody = (error: TroupeError | undefined, body: Pieces) => {
      if (error === undefined) this.#submit(body);
      else this.#fail(toFailure(error), this.#request.complete);
    };
    readBody(this.#request, limits, onBody, this.#content);
    // A body that came with its head is complete by then, and costs no timer; at the next tick it is not.
    setImmediate(() => this.#watchUpload());
  }

  #judge(): Failure | undefined {
    try {
      return this.#admit();
    } catch (thrown) {
      return toFailure(thrown);
    }
  }

  /** Everything that can be refused before the body is read. */
  #admit(): Failure | undefined {
    const { headers } = this.#request;
    const bytes = declaredLength(this.#request, this.#parts.maxBodyBytes);
    // Only this tells a client that it was the coding, and not the type (RFC 9110, section 12.5.3).
    if (knownCoding(headers["content-encoding"]) === undefined) {
      this.#response.setHeader("accept-encoding", codings.join(", "));
    }
    this.#content = contentOf(headers, this.#route.codec);
    const timeoutMs = timeoutOf(headers["x-request-timeout-ms"]);
    return this.#asked.admit({ bytes, timeoutMs, priority: priorityOf(headers["x-priority"]) });
  }

  #refuse(failure: Failure): void {
    // The caller may have left while it waited.
    if (this.#response.destroyed) this.#close();
    else this.#fail(failure, isSmall(this.#request));
  }

  #grow(bytes: number): TroupeError | undefined {
    const { permit, model } = this.#asked;
    return permit && this.#parts.entrance.grow(permit, bytes, model);
  }

  /** From its submission on the dispatcher watches the deadline. */
  #watchUpload(): void {
    const { deadlineAt } = this.#asked;
    if (this.#request.complete || this.#isAnswered || deadlineAt === undefined) return;
    const { clock } = this.#parts;
    const message = "Cannot answer: the deadline passed while the body was on its way";
    this.#disarmUpload = clock.after(deadlineAt - clock.now(), () =>
      this.#fail({ code: "deadline-exceeded", message }, false),
    );
  }

  #submit(body: Pieces): void {
    if (this.#content === undefined || this.#isAnswered) return;
    this.#disarmUpload?.();
    try {
      this.#asked.submit(this.#content, body);
    } catch (thrown) {
      this.#fail(toFailure(thrown), true);
    }
  }

  #done(answer: AnswerBytes, frame: DoneFrame | undefined): void {
    const accepted = this.#request.headers["accept-encoding"];
    const coding = answerCoding(accepted, answer.body.length);
    if (coding === null) {
      this.#answer(answer, frame, null);
      return;
    }
    // The frame's bytes are gone when this returns.
    const { jsonBytes } = answer;
    const body = Buffer.from(answer.body);
    pack(coding, body, (packed) =>
      this.#answer({ jsonBytes, body: packed ?? body }, frame, packed ? coding : null),
    );
  }

  #answer(answer: AnswerBytes, frame: DoneFrame | undefined, coding: Coding | null): void {
    // The caller may have left while it was packed.
    if (this.#isAnswered) return;
    const requestId = this.#requestId;
    const keepAlive = !this.#parts.isDraining();
    const { body, jsonBytes } = answer;
    sendAnswer(this.#response, { body, jsonBytes, requestId, keepAlive, coding });
    endIfUntaken(this.#response, this.#parts.clock);
    this.#note({ status: 200, failure: null, frame });
  }

  /** A body that was not read to its end ends the connection. */
  #fail(failure: Failure, isBodyRead: boolean): void {
    if (this.#isAnswered) return;
    const { isDraining, clock, compatTriton } = this.#parts;
    const form = formFor(this.#request.url, compatTriton);
    const answer = { failure, requestId: this.#requestId, keepAlive: !isDraining(), form };
    const status = isBodyRead
      ? sendFailure(this.#response, answer)
      : sendEarlyFailure(this.#response, answer, clock);
    this.#note({ status, failure });
  }

  /** Comes after every answer, and before it when the caller has left. */
  #close(): void {
    this.#asked.permit?.release();
    if (this.#isAnswered) return;
    this.#asked.cancel();
    this.#note({ status: 499, failure: { code: "cancelled", message: "the client left" } });
  }

  #note(outcome: PredictionOutcome): void {
    this.#isAnswered = true;
    this.#disarmUpload?.();
    const { clock, metrics } = this.#parts;
    const totalMs = clock.now() - this.#beganAt;
    const method = this.#request.method ?? "POST";
    const route = metrics.route(method, this.#route.endpoint, outcome.status);
    route.requests.add();
    route.seconds.observe(totalMs / 1e3);
    this.#asked.note(outcome);
  }
}

/** An unread body of this size is read and dropped, which is cheaper than a new connection. */
const droppedBytes = 65_536;

/** One without any is small too. */
function isSmall({ headers }: IncomingMessage): boolean {
  const isOpen = headers["transfer-encoding"] !== undefined;
  const bytes = headers["content-length"] ?? (isOpen ? Number.POSITIVE_INFINITY : 0);
  return Number(bytes) <= droppedBytes;
}
