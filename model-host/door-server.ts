/* Owns the Unix socket and the connections of the front doors; every request on them is the host's. */
import { createServer, type Server, type Socket } from "node:net";
import { Outbox } from "../src/platform/outbox.ts";
import { FrameReader } from "../src/protocol/frame-stream.ts";
import {
  type DoorFrame,
  parseDoorFrame,
  protocolVersion,
  writeHello,
} from "../src/protocol/frames.ts";
import {
  type AnswerBody,
  writeChunk,
  writeDone,
  writeEnded,
  writeFailed,
  writePressure,
  writeRunning,
  writeTrace,
} from "../src/protocol/host-frames.ts";
import type { EndReason } from "../src/protocol/sequences.ts";
import type { HostPoints } from "../src/protocol/traces.ts";
import type { Host } from "./host.ts";
import type { Door, Work } from "./work.ts";

/** More cannot be outstanding at one host. */
const maxRequestId = 1_048_576;

export interface DoorServerOptions {
  readonly hostId: string;
  readonly maxFrameBytes: number;
}

export class DoorServer {
  readonly #host: Host;
  readonly #options: DoorServerOptions;
  readonly #server: Server;
  readonly #doors = new Set<DoorConnection>();

  constructor(host: Host, options: DoorServerOptions) {
    this.#host = host;
    this.#options = options;
    this.#server = createServer((socket) => this.#welcome(socket));
  }

  listen(socketPath: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(socketPath, resolve);
    });
  }

  tellPressure(): void {
    for (const door of this.#doors) door.tellPressure();
  }

  /** Resolves when the last answers have left; Node removes the socket's file. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const door of this.#doors) door.end();
    await closed;
  }

  #welcome(socket: Socket): void {
    const door = new DoorConnection(socket, this.#host, this.#options);
    this.#doors.add(door);
    this.#host.greet(door);
    socket.on("close", () => {
      this.#doors.delete(door);
      this.#host.forget(door);
    });
  }
}

class DoorConnection implements Door {
  readonly #socket: Socket;
  readonly #host: Host;
  readonly #outbox: Outbox;
  readonly #reader: FrameReader;
  #isGreeted = false;
  /** Requests without their one answer, by the small numbers that front doors give and use again. */
  readonly #works: (Work | undefined)[] = [];

  constructor(socket: Socket, host: Host, options: DoorServerOptions) {
    this.#socket = socket;
    this.#host = host;
    this.#reader = new FrameReader(options.maxFrameBytes);
    this.#outbox = new Outbox(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => this.#read(chunk));
    writeHello(this.#outbox.writer, options.hostId);
    this.tellPressure();
  }

  running(ids: readonly number[]): void {
    writeRunning(this.#outbox.writer, ids);
    this.#outbox.plan();
  }

  chunk(id: number, body: AnswerBody): void {
    writeChunk(this.#outbox.writer, id, body);
    this.#outbox.plan();
  }

  trace(id: number, points: HostPoints): void {
    writeTrace(this.#outbox.writer, id, points);
  }

  done(answer: Parameters<Door["done"]>[0]): void {
    this.#works[answer.id] = undefined;
    const { id, stages, rows, body } = answer;
    writeDone(this.#outbox.writer, { id, stages, rows, body, pressure: this.#host.pressure });
    this.#outbox.plan();
  }

  failed(answer: Parameters<Door["failed"]>[0]): void {
    this.#works[answer.id] = undefined;
    writeFailed(this.#outbox.writer, { ...answer, pressure: this.#host.pressure });
    this.#outbox.plan();
  }

  ended(key: string, reason: EndReason): void {
    writeEnded(this.#outbox.writer, key, reason);
    this.#outbox.plan();
  }

  tellPressure(): void {
    writePressure(this.#outbox.writer, this.#host.pressure);
    this.#outbox.plan();
  }

  end(): void {
    this.flush();
    this.#socket.end();
  }

  flush(): void {
    this.#outbox.flush();
  }

  /** All frames of a chunk are queued before the engine is offered any, so that they share a batch. */
  #read(chunk: Buffer): void {
    const isSound = this.#reader.push(chunk, (bytes) => {
      const frame = parseDoorFrame(bytes);
      return frame !== undefined && this.#obey(frame);
    });
    if (!isSound) this.#socket.destroy();
    this.#host.pump();
  }

  #obey(frame: DoorFrame): boolean {
    if (!this.#isGreeted && frame.type !== "hello") return false;
    switch (frame.type) {
      case "hello":
        this.#isGreeted = frame.version === protocolVersion;
        return this.#isGreeted;
      case "request": {
        if (frame.id > maxRequestId) return false;
        this.#works[frame.id] = this.#host.accept(frame, this);
        return true;
      }
      case "cancel": {
        const work = this.#works[frame.id];
        if (work !== undefined) this.#host.cancel(work, frame.reason);
        return true;
      }
      case "credit": {
        const work = this.#works[frame.id];
        if (work !== undefined) this.#host.credit(work, frame.chunks);
        return true;
      }
      case "end":
        this.#host.endSequence(frame.key);
        return true;
    }
  }
}
