// Owns one TCP connection, which it opens again whenever it ends. When to send is the load's, what is said the dialogue's.
import { connect, type Socket } from "node:net";
import type { Dialogue, Heard } from "./dialogue.ts";
import type { Job } from "./message.ts";

const readBufferBytes = 64 * 1024;
/** A server that refuses connections must not make the driver spin. */
const reconnectDelayMs = 10;

export interface ConnectionEvents {
  readonly onReady: (connection: Connection) => void;
  readonly onAnswer: (connection: Connection, intendedAt: number, status: number) => void;
  /** The times of the requests that are lost. */
  readonly onBroken: (connection: Connection, intendedAt: readonly number[]) => void;
}

function lanes(depth: number): number[] {
  return Array.from({ length: depth }, (_, lane) => lane);
}

export class Connection {
  readonly #port: number;
  readonly #depth: number;
  readonly #begin: () => Dialogue;
  readonly #events: ConnectionEvents;
  // One buffer a connection for all reads: without it each answer costs an allocation and two stream events.
  readonly #readBuffer = Buffer.alloc(readBufferBytes);
  #dialogue: Dialogue;
  #socket: Socket;
  /** Of the requests in flight, by their lanes. */
  readonly #intendedAt = new Map<number, number>();
  #freeLanes: number[];
  #ended = false;

  constructor(
    { port, depth }: Pick<Job, "port" | "depth">,
    begin: () => Dialogue,
    events: ConnectionEvents,
  ) {
    this.#port = port;
    this.#depth = depth;
    this.#freeLanes = lanes(depth);
    this.#begin = begin;
    this.#events = events;
    this.#dialogue = begin();
    this.#socket = this.#open();
  }

  /** Only while fewer are in flight than the connection is deep. */
  send(intendedAt: number): void {
    const lane = this.#freeLanes.pop();
    if (lane === undefined) throw new Error("Cannot send: all lanes are taken");
    this.#intendedAt.set(lane, intendedAt);
    this.#socket.write(this.#dialogue.request(lane));
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
    // What a chunk's answers make due leaves in one write.
    if (this.#depth > 1) this.#socket.cork();
    for (const heard of this.#dialogue.hear(chunk)) this.#obey(heard);
    if (this.#depth > 1) this.#socket.uncork();
    return true;
  }

  #obey(heard: Heard): void {
    switch (heard.type) {
      case "ready":
        this.#events.onReady(this);
        return;
      case "answer":
        this.#answered(heard.lane, heard.status);
        return;
      case "reply":
        this.#socket.write(heard.bytes);
        return;
      case "end":
        this.#socket.destroy();
        return;
    }
  }

  #answered(lane: number, status: number): void {
    const intendedAt = this.#intendedAt.get(lane);
    if (intendedAt === undefined) return;
    this.#intendedAt.delete(lane);
    this.#freeLanes.push(lane);
    this.#events.onAnswer(this, intendedAt, status);
  }

  #reopen(): void {
    if (this.#ended) return;
    const lost = [...this.#intendedAt.values()];
    this.#intendedAt.clear();
    this.#freeLanes = lanes(this.#depth);
    this.#dialogue = this.#begin();
    this.#events.onBroken(this, lost);
    setTimeout(() => {
      if (!this.#ended) this.#socket = this.#open();
    }, reconnectDelayMs);
  }
}
