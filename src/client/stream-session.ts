/*
 * Requests to one model over a WebSocket. It owns what is unanswered, and asks it again on a new connection where the
 * model does not remember; a sequence whose connection breaks is lost, and its caller told.
 */
import { AnswerQueue } from "./answer-queue.ts";
import { errorOfFrame, orUnexpected, TroupeClientError } from "./client-error.ts";
import { cancelled } from "./patience.ts";
import type { Message, Socket } from "./platform.ts";
import { brokenBy, type Closing, type Connect, connectAgain } from "./socket-line.ts";
import {
  type AnswerFrame,
  readFrame,
  type StreamAnswer,
  type StreamedModel,
  type StreamRequest,
  writeRequest,
} from "./stream-frames.ts";
import { type GivenUp, requestCancelled, UnansweredRequests } from "./unanswered.ts";

export interface StreamOptions {
  readonly signal?: AbortSignal | undefined;
  /** Requests that may be without a taken answer; past it `send` waits. */
  readonly maxInFlight?: number | undefined;
}

export interface StreamParts {
  readonly connect: Connect;
  /** Is asked anew for each connection. */
  readonly describe: (signal: AbortSignal) => Promise<StreamedModel>;
}

/** Below the server's own limit of 64. */
const usualInFlight = 16;

export class StreamSession implements AsyncIterable<StreamAnswer> {
  readonly #parts: StreamParts;
  readonly #maxInFlight: number;
  readonly #answers = new AnswerQueue<StreamAnswer>();
  readonly #unanswered = new UnansweredRequests();
  readonly #sending = new Set<Promise<number>>();
  readonly #queue: (() => void)[] = [];
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal | undefined;
  readonly #abort = () => this.#fail(cancelled(this.#signal ?? this.#ending.signal));
  #taken = 0;
  #nextId = 1;
  #socket: Socket | undefined;
  #opening: Promise<Socket> | undefined;
  #error: TroupeClientError | undefined;
  #wasOpen = false;
  #model: StreamedModel = { isStateful: false, outputs: [], takesBinary: false };
  #isFinishing = false;

  constructor(parts: StreamParts, { signal, maxInFlight = usualInFlight }: StreamOptions) {
    this.#parts = parts;
    this.#maxInFlight = maxInFlight;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#abort);
    if (signal?.aborted === true) this.#abort();
  }

  /**
   * Resolves with the request's id when it is sent, and not before there is room: answers must be taken for more to be
   * sent. Rejects where the session has ended.
   */
  send(request: StreamRequest): Promise<number> {
    const sending = this.#send(request).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    return sending;
  }

  async #send(request: StreamRequest): Promise<number> {
    await this.#room();
    const id = this.#nextId;
    this.#nextId += 1;
    const message = await this.#write(id, request);
    this.#unanswered.add(id, message);
    this.#ask();
    return id;
  }

  /** What cannot be written gives its place back. */
  async #write(id: number, request: StreamRequest): Promise<Message> {
    await this.#open();
    try {
      return writeRequest(id, request, this.#model);
    } catch (thrown) {
      this.#giveBack();
      throw thrown;
    }
  }

  /** What is not run yet is never run; the answer is `failed`, with `cancelled`. */
  cancel(id: number): void {
    const verdict = this.#unanswered.cancel(id, this.#socket);
    if (verdict === "tell-server") this.#socket?.send(JSON.stringify({ type: "cancel", id }));
    if (verdict === "over") this.#giveUp([{ id, error: requestCancelled() }]);
  }

  /** The model's next frame meets the first state. */
  async reset(): Promise<void> {
    (await this.#open()).send(JSON.stringify({ type: "reset" }));
  }

  /** Frees what the model remembers; `ended` comes when everything before it is answered. */
  async end(): Promise<void> {
    (await this.#open()).send(JSON.stringify({ type: "end" }));
  }

  /** Nothing more is sent: the reader's loop ends behind the last answer, and a sequence ends with it. */
  async finish(): Promise<void> {
    await this.#open();
    // What still waits for its place goes too.
    await Promise.allSettled(this.#sending);
    this.#isFinishing = true;
    if (this.#model.isStateful) await this.end();
    else this.#endIfAnswered();
  }

  /** No answer comes any more; those that have come can still be taken. */
  close(): void {
    this.#stop();
    this.#answers.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamAnswer, void, undefined> {
    try {
      for (;;) {
        const { done, value } = await this.#answers.next();
        if (done === true) return;
        this.#release(value);
        yield value;
      }
    } finally {
      this.close();
    }
  }

  async #room(): Promise<void> {
    if (this.#taken >= this.#maxInFlight) {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    } else {
      this.#taken += 1;
    }
    if (this.#error !== undefined) throw this.#error;
  }

  #release(answer: StreamAnswer): void {
    // Without an id it answers a `reset` or `end`, which takes no place.
    const isLast = answer.type === "done" || (answer.type === "failed" && answer.id !== null);
    if (isLast) this.#giveBack();
  }

  /** A place is passed on to whoever waits for one. */
  #giveBack(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }

  #open(): Promise<Socket> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    this.#opening ??= this.#begin();
    return this.#opening;
  }

  async #begin(): Promise<Socket> {
    try {
      // One attempt is both: a server that is starting anew is waited for by either.
      const connect: Connect = async (listeners) => {
        this.#model = await this.#parts.describe(listeners.signal);
        return this.#parts.connect(listeners);
      };
      const listeners = {
        onMessage: (message: Message) => this.#hear(message),
        onClose: (code: number, reason: string) => this.#broken({ code, reason }),
      };
      const { signal } = this.#ending;
      const options = { listeners, signal, isAgain: this.#wasOpen };
      const socket = await connectAgain(connect, options);
      this.#wasOpen = true;
      if (signal.aborted) socket.close();
      this.#socket = socket;
      this.#ask();
      return socket;
    } catch (thrown) {
      this.#fail(thrown as TroupeClientError);
      throw this.#error ?? thrown;
    }
  }

  /** On the connection that there is now, each once; where it has just broken, on the next one. */
  #ask(): void {
    const socket = this.#socket;
    if (socket === undefined) {
      // Where it fails, the reader is told.
      this.#open().catch(() => undefined);
      return;
    }
    this.#unanswered.askOn(socket);
  }

  #hear(message: Message): void {
    try {
      this.#take(orUnexpected(() => readFrame(message)));
    } catch (thrown) {
      this.#fail(thrown as TroupeClientError);
    }
  }

  #take(read: object | undefined): void {
    const frame = read as AnswerFrame | undefined;
    if (frame === undefined) return;
    this.#note(frame);
    this.#answers.push(
      frame.type === "failed"
        ? { type: "failed", id: frame.id, error: errorOfFrame(frame) }
        : frame,
    );
    if (this.#model.isStateful && frame.type !== "ended") return;
    this.#endIfAnswered();
  }

  #endIfAnswered(): void {
    if (this.#isFinishing && this.#unanswered.size === 0) this.close();
  }

  #note(frame: AnswerFrame): void {
    if (frame.type === "ended" || frame.id === null) return;
    if (frame.type === "chunk") this.#unanswered.noteChunk(frame.id);
    else this.#unanswered.delete(frame.id);
  }

  /** With nothing to ask it is opened again when the next request comes. */
  #broken(closing: Closing): void {
    this.#socket = undefined;
    this.#opening = undefined;
    if (this.#ending.signal.aborted) return;
    const error = brokenBy(closing);
    if (this.#model.isStateful) {
      const words = `the sequence is lost, as ${error.message}`;
      this.#fail(new TroupeClientError("sequence-lost", words, { cause: error }));
      return;
    }
    this.#giveUp(this.#unanswered.giveUp(error));
    // The rest is asked again.
    if (this.#unanswered.size > 0) this.#ask();
  }

  #giveUp(given: readonly GivenUp[]): void {
    for (const { id, error } of given) this.#answers.push({ type: "failed", id, error });
    this.#endIfAnswered();
  }

  #fail(error: TroupeClientError): void {
    this.#error ??= error;
    this.#stop();
    this.#answers.end(this.#error);
  }

  #stop(): void {
    this.#error ??= new TroupeClientError("cancelled", "the stream was closed");
    this.#ending.abort();
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#socket?.close();
    for (const wake of this.#queue.splice(0)) wake();
  }
}
