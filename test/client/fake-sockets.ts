/* A server of WebSockets for tests, without any: it keeps what was sent, and says what it is told to say. */
import { TroupeClientError } from "../../src/client/client-error.ts";
import type { SocketListeners } from "../../src/client/platform.ts";
import type { Connect } from "../../src/client/socket-line.ts";
import { waitFor } from "../cluster/wait.ts";

export interface SentFrame {
  readonly type: string;
  readonly id: number;
}

export class FakeConnection {
  readonly sent: SentFrame[] = [];
  readonly #listeners: SocketListeners;
  isClosed = false;

  constructor(listeners: SocketListeners) {
    this.#listeners = listeners;
  }

  say(frame: object): void {
    this.#listeners.onMessage(JSON.stringify(frame));
  }

  sayBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.#listeners.onMessage(bytes);
  }

  done(id: number): void {
    this.say({ type: "done", id });
  }

  break(code = 1006): void {
    this.#listeners.onClose(code, "");
  }

  /** Resolves when that many frames have been sent on it. */
  async received(count: number): Promise<readonly SentFrame[]> {
    await waitFor(() => this.sent.length >= count, `${count} frames`);
    return this.sent;
  }
}

export class FakeSockets {
  readonly connections: FakeConnection[] = [];
  /** So many of the next attempts find nobody. */
  refusals = 0;
  /** The next attempts are never answered. */
  isSilent = false;

  readonly connect: Connect = async (listeners) => {
    if (this.isSilent) await givenUp(listeners.signal);
    if (this.refusals > 0) {
      this.refusals -= 1;
      throw new TroupeClientError("unreachable", "nobody is there");
    }
    const connection = new FakeConnection(listeners);
    this.connections.push(connection);
    return {
      send: (message) => void connection.sent.push(JSON.parse(String(message)) as SentFrame),
      close: () => {
        connection.isClosed = true;
      },
    };
  };

  /** Waits for the connection of that number. */
  connection(at: number): Promise<FakeConnection> {
    return waitFor(() => this.connections[at], `connection ${at}`);
  }
}

function givenUp(signal: AbortSignal): Promise<never> {
  const error = new TroupeClientError("unreachable", "closed before it was open");
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(error)));
}
