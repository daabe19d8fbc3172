// Owns one TCP connection, which it opens again whenever it ends. When to send is the load's, what is said the dialogue's.
import { connect, type Socket } from "node:net";
import type { Dialogue, Heard } from "./dialogue.ts";

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
  readonly #begin: () => Dialogue;
  readonly #events: ConnectionEvents;
  // One buffer a connection for all reads: without it each answer costs an allocation and two stream events.
  readonly #readBuffer = Buffer.alloc(readBufferBytes);
  #dialogue: Dialogue;
  #socket: Socket;
  #intendedAt: number | undefined;
  #ended = false;

  constructor(port: number, begin: () => Dialogue, events: ConnectionEvents) {
    this.#port = port;
    this.#begin = begin;
    this.#events = events;
    this.#dialogue = begin();
    this.#socket = this.#open();
  }

  send(intendedAt: number): void {
    this.#intendedAt = intendedAt;
    this.#socket.write(this.#dialogue.request);
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
    socket.once("connect", () => this.#greet());
    socket.on("error", () => undefined); // "close" follows and says enough
    socket.once("close", () => this.#reopen());
    return socket;
  }

  #greet(): void {
    const { greeting } = this.#dialogue;
    if (greeting === undefined) this.#events.onReady(this);
    else this.#socket.write(greeting);
  }

  #read(chunk: Buffer): boolean {
    for (const heard of this.#dialogue.hear(chunk)) this.#obey(heard);
    return true;
  }

  #obey(heard: Heard): void {
    switch (heard.type) {
      case "ready":
        this.#events.onReady(this);
        return;
      case "answer":
        this.#answered(heard.status);
        return;
      case "reply":
        this.#socket.write(heard.bytes);
        return;
      case "end":
        this.#socket.destroy();
        return;
    }
  }

  #answered(status: number): void {
    const intendedAt = this.#intendedAt;
    if (intendedAt === undefined) return;
    this.#intendedAt = undefined;
    this.#events.onAnswer(this, intendedAt, status);
  }

  #reopen(): void {
    if (this.#ended) return;
    const lost = this.#intendedAt;
    this.#intendedAt = undefined;
    this.#dialogue = this.#begin();
    this.#events.onBroken(this, lost);
    setTimeout(() => {
      if (!this.#ended) this.#socket = this.#open();
    }, reconnectDelayMs);
  }
}
