/* A port that is listened on by the handle which the supervisor passes, and closed so that nobody is reset who knocked. */
import { Server } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../platform/clock.ts";

/** Closing a port resets whoever has knocked and was not let in yet; this long the last of them are. */
const lastCallersMs = 30;
/** Callers who come one behind the other do not keep the port open. */
const mostLooks = 100;
/** A connection that stays idle this long after the port has closed has no request on its way. */
const idleGraceMs = 250;

export class OpenPort {
  readonly #server: Server;
  readonly #clock: Clock;
  /** All that were ever let in. */
  #callers = 0;

  constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
    server.on("connection", () => {
      this.#callers += 1;
    });
  }

  /** Resolves with the port. */
  listen(handle: unknown): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(handle, () => {
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  /**
   * Resolves when those who were let in have had time to say what they want. `close()` of an HTTP server would end its
   * idle connections at once, and with them requests that are on their way.
   */
  async close(): Promise<void> {
    takeNoneBehind(this.#server);
    await this.#pause(lastCallersMs);
    await this.#letIn();
    Server.prototype.close.call(this.#server);
    await this.#pause(idleGraceMs);
  }

  /** A process that was not run for a while has not looked who knocked, however late it is: it looks until nobody does. */
  async #letIn(): Promise<void> {
    for (let looks = 0; looks < mostLooks; looks += 1) {
      const before = this.#callers;
      await nextLook();
      if (this.#callers === before) return;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }
}

/** Resolves when the event loop has polled all its sockets once more: the first turn may have polled already. */
async function nextLook(): Promise<void> {
  await turn();
  await turn();
}

interface Internals {
  readonly _handle: { listen(backlog: number): number } | null;
}

/** Without a backlog the kernel leaves newcomers to knock again, and then finds the port closed. */
function takeNoneBehind(server: Server): void {
  const { _handle: handle } = server as unknown as Internals;
  handle?.listen(0);
}
