/* The connections that gRPC calls come on, by the address of their other end. */
import type { Socket } from "node:net";
import type { Clock } from "../../platform/clock.ts";

/** A reader that takes nothing for this long has left. */
const stallMs = 10_000;

interface Internals {
  readonly _handle: { readonly bytesWritten: number } | null;
}

interface Connection {
  readonly socket: Socket;
  /** Answers that are on their way out. */
  waiting: number;
  /** What had left by it at the last look; null where nothing waited then. */
  before: number | null;
}

export class Connections {
  readonly #clock: Clock;
  readonly #byPeer = new Map<string, Connection>();
  #isLooking = false;
  #onGone: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#byPeer.size;
  }

  /** Resolves when there is none left. */
  gone(): Promise<void> {
    if (this.#byPeer.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onGone = resolve;
    });
  }

  add(socket: Socket): void {
    // As grpc-js words the peer of a call.
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#byPeer.set(peer, { socket, waiting: 0, before: null });
    socket.on("close", () => {
      // Another may have its address by now.
      if (this.#byPeer.get(peer)?.socket === socket) this.#byPeer.delete(peer);
      if (this.#byPeer.size === 0) this.#onGone?.();
    });
    if (!this.#isLooking) this.#planLook();
  }

  /**
   * An answer waits to leave by the connection, which ends where nothing does for a while: it would hold its permit for
   * ever. To be called back when it has left.
   */
  wait(peer: string): () => void {
    const connection = this.#byPeer.get(peer);
    if (connection === undefined) return () => undefined;
    connection.waiting += 1;
    return () => {
      connection.waiting -= 1;
    };
  }

  #planLook(): void {
    this.#isLooking = true;
    this.#clock.after(stallMs, () => {
      for (const connection of this.#byPeer.values()) look(connection);
      this.#isLooking = false;
      if (this.#byPeer.size > 0) this.#planLook();
    });
  }
}

function look(connection: Connection): void {
  const { socket, waiting, before } = connection;
  const now = writtenTo(socket);
  if (waiting > 0 && now === before) socket.destroy();
  connection.before = waiting > 0 ? now : null;
}

/** By the system's own count, as HTTP/2 writes past the socket. */
function writtenTo(socket: Socket): number {
  const { _handle: handle } = socket as unknown as Internals;
  return handle?.bytesWritten ?? socket.bytesWritten;
}
