/* Owns the Unix socket and the connections of the front doors; every request on them is the host's. */
import { createServer, type Server, type Socket } from "node:net";
import { FrameReader, FrameWriter } from "../src/protocol/frame-stream.ts";
import {
  type DoorFrame,
  parseDoorFrame,
  protocolVersion,
  writeChunk,
  writeDone,
  writeFailed,
  writeHello,
  writePressure,
  writeRunning,
} from "../src/protocol/frames.ts";
import type { Pressure } from "../src/protocol/pressure.ts";
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
    socket.on("close", () => {
      this.#doors.delete(door);
      this.#host.forget(door);
    });
  }
}

class DoorConnection implements Door {
  readonly #socket: Socket;
  readonly #host: Host;
  readonly #writer = new FrameWriter();
  readonly #reader: FrameReader;
  /** Requests without their one answer, by the small numbers that front doors give and use again. */
  readonly #works: (Work | undefined)[] = [];
  /** The same for all answers of a tick. */
  #pressure: Pressure | undefined;
  #isFlushPlanned = false;

  constructor(socket: Socket, host: Host, options: DoorServerOptions) {
    this.#socket = socket;
    this.#host = host;
    this.#reader = new FrameReader(options.maxFrameBytes);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => this.#read(chunk));
    writeHello(this.#writer, options.hostId);
    this.tellPressure();
  }

  running(ids: readonly number[]): void {
    writeRunning(this.#writer, ids);
    this.#planFlush();
  }

  chunk(id: number, body: Uint8Array): void {
    writeChunk(this.#writer, id, body);
    this.#planFlush();
  }

  done(answer: Parameters<Door["done"]>[0]): void {
    this.#works[answer.id] = undefined;
    writeDone(this.#writer, { ...answer, pressure: this.#currentPressure() });
    this.#planFlush();
  }

  failed(answer: Parameters<Door["failed"]>[0]): void {
    this.#works[answer.id] = undefined;
    writeFailed(this.#writer, { ...answer, pressure: this.#currentPressure() });
    this.#planFlush();
  }

  tellPressure(): void {
    this.#pressure = undefined;
    writePressure(this.#writer, this.#currentPressure());
    this.#planFlush();
  }

  end(): void {
    this.flush();
    this.#socket.end();
  }

  flush(): void {
    this.#pressure = undefined;
    if (this.#writer.isEmpty || this.#socket.destroyed) return;
    this.#socket.cork();
    for (const piece of this.#writer.take()) this.#socket.write(piece);
    this.#socket.uncork();
  }

  #currentPressure(): Pressure {
    this.#pressure ??= this.#host.pressure;
    return this.#pressure;
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    setImmediate(() => {
      this.#isFlushPlanned = false;
      this.flush();
    });
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
    switch (frame.type) {
      case "hello":
        return frame.version === protocolVersion;
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
    }
  }
}
