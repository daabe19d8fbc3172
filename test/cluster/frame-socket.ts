/* A WebSocket client for tests, which remembers every frame that came. */
import { type RawData, WebSocket } from "ws";
import { type BinaryAnswer, parseBinaryFrame } from "./binary-form.ts";
import type { Answer } from "./http-client.ts";
import { waitFor } from "./wait.ts";

export interface Frame extends Answer {
  readonly type: "chunk" | "done" | "failed" | "ended";
  readonly id: string | number | null;
  readonly first_row: number;
  readonly rows: number;
  /** Of a window: the number of its first new sample. */
  readonly position: number;
  readonly retry_after_ms?: number;
  /** Of `ended`. */
  readonly sequence: string | null;
  readonly reason: string;
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
}

export class FrameSocket {
  readonly frames: Frame[] = [];
  readonly binaryFrames: BinaryAnswer[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: RawData, isBinary) => {
      if (isBinary) this.binaryFrames.push(parseBinaryFrame(data as Buffer));
      else this.frames.push(JSON.parse(String(data)) as Frame);
    });
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes, { binary: true });
  }

  infer(id: string | number, fields: Readonly<Record<string, unknown>>): void {
    this.send({ type: "infer", id, ...fields });
  }

  /** The next frame of a sequence, answered. */
  async step(id: string | number, fields: Readonly<Record<string, unknown>>): Promise<Frame> {
    this.infer(id, fields);
    return this.answer(id);
  }

  /** The notices of sequences that ended, in order. */
  get endings(): readonly Frame[] {
    return this.frames.filter(({ type }) => type === "ended");
  }

  /** Waits for the notice that the sequence has ended; null is the socket's own. */
  ending(sequence: string | null = null): Promise<Frame> {
    return waitFor(
      () => this.endings.find((frame) => frame.sequence === sequence),
      `the end of sequence ${sequence}`,
    );
  }

  /** The frames with that id, in order. */
  of(id: string | number | null): readonly Frame[] {
    return this.frames.filter((frame) => frame.id === id);
  }

  /** Waits for the frame that ends the request. */
  answer(id: string | number | null): Promise<Frame> {
    return waitFor(
      () => this.of(id).find(({ type }) => type !== "chunk"),
      `an answer to frame ${JSON.stringify(id)}`,
    );
  }

  /** Waits for the frame with binary tensors that ends the request. */
  binaryAnswer(id: string | number): Promise<BinaryAnswer> {
    return waitFor(
      () => this.binaryFrames.find(({ json }) => json.id === id && json.type === "done"),
      `a binary answer to frame ${JSON.stringify(id)}`,
    );
  }

  /** Waits until that many frames have come. */
  async count(frames: number): Promise<void> {
    await waitFor(() => this.frames.length >= frames, `${frames} frames`);
  }

  /** From here on nothing is read, until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.close();
  }

  /** As a client that crashes. */
  terminate(): void {
    this.#socket.terminate();
  }
}

/** Rejects with a `Refusal` where the server does not upgrade. */
export function openSocket(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<FrameSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}${path}`, { headers });
  return new Promise((resolve, reject) => {
    const frames = new FrameSocket(socket);
    socket.on("open", () => resolve(frames));
    socket.on("error", reject);
    socket.on("unexpected-response", (_request, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { code } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Answer;
        const refusal: Refusal = { status: response.statusCode ?? 0, code };
        reject(refusal);
      });
    });
  });
}
