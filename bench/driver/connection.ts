// Owns one keep-alive socket, which it opens again whenever it ends; when to send what is the load's.
import { connect, type Socket } from "node:net";
import { ResponseReader } from "./response.ts";

const readBufferBytes = 64 * 1024;
/** A server that refuses connections must not make the driver spin. */
const reconnectDelayMs = 10;

export interface ConnectionEvents {
  readonly onReady: (connection: Connection) => void;
  readonly onAnswer: (connection: Connection, intendedAt: number, status: number) => void;
  /** `intendedAt` is of the request that is lost; undefined where none was in flight. */
  readonly onBroken: (connection: Connection, intendedAt: number | undefined) => void;
}

export class Connection {
  readonly #port: number;
  readonly #request: Buffer;
  readonly #events: ConnectionEvents;
  // One buffer a connection for all reads: without it each answer costs an allocation and two stream events.
  readonly #readBuffer = Buffer.alloc(readBufferBytes);
  #reader = new ResponseReader();
  #socket: Socket;
  #intendedAt: number | undefined;
  #ended = false;

  constructor(port: number, request: Buffer, events: ConnectionEvents) {
    this.#port = port;
    this.#request = request;
    this.#events = events;
    this.#socket = this.#open();
  }

  send(intendedAt: number): void {
    this.#intendedAt = intendedAt;
    this.#socket.write(this.#request);
  }

  end(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #open(): Socket {
    const onread = {
      buffer: this.#readBuffer,
      callback: (length: number) => this.#read(this.#readBuffer.subarray(0, length)),
    };
    const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true, onread });
    socket.once("connect", () => this.#events.onReady(this));
    socket.on("error", () => undefined); // "close" follows and says enough
    socket.once("close", () => this.#reopen());
    return socket;
  }

  #read(chunk: Buffer): boolean {
    const status = this.#reader.push(chunk);
    const intendedAt = this.#intendedAt;
    if (status === undefined || intendedAt === undefined) return true;
    this.#intendedAt = undefined;
    this.#events.onAnswer(this, intendedAt, status);
    return true;
  }

  #reopen(): void {
    if (this.#ended) return;
    const lost = this.#intendedAt;
    this.#intendedAt = undefined;
    this.#reader = new ResponseReader();
    this.#events.onBroken(this, lost);
    setTimeout(() => {
      if (!this.#ended) this.#socket = this.#open();
    }, reconnectDelayMs);
  }
}
