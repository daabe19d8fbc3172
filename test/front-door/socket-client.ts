import type { Socket } from "node:net";
import type { TestContext } from "node:test";
import { WebSocket } from "ws";
import { until } from "./until.ts";

export interface Frame {
  readonly type: string;
  readonly id: string | number | null;
  readonly code?: string;
  readonly error?: string;
  readonly [field: string]: unknown;
}

/** The client's end of a WebSocket, which keeps what comes. */
export class SocketClient {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  pings = 0;
  closeCode: number | undefined;
  /** The status of an upgrade that was refused. */
  refusal: number | undefined;
  refusalBody = "";

  constructor(t: TestContext, url: string, headers: Readonly<Record<string, string>> = {}) {
    this.socket = new WebSocket(url, { headers, perMessageDeflate: false });
    this.socket.on("message", (data) => this.frames.push(JSON.parse(String(data))));
    this.socket.on("ping", () => {
      this.pings += 1;
    });
    this.socket.on("close", (code) => {
      this.closeCode = code;
    });
    this.socket.on("error", () => undefined);
    this.socket.on("unexpected-response", (request, response) => {
      response.on("data", (chunk) => {
        this.refusalBody += chunk;
      });
      response.on("end", () => {
        this.refusal = response.statusCode;
        request.destroy();
      });
    });
    t.after(() => this.socket.terminate());
  }

  async opened(): Promise<this> {
    await until(() => this.socket.readyState === WebSocket.OPEN, "the opening");
    return this;
  }

  send(...frames: readonly unknown[]): void {
    for (const frame of frames) this.socket.send(JSON.stringify(frame));
  }

  /** In one piece, so that they come in one. */
  flood(ids: readonly number[], ...others: readonly unknown[]): void {
    const { _socket: socket } = this.socket as unknown as { readonly _socket: Socket };
    socket.cork();
    for (const id of ids) this.infer(id);
    this.send(...others);
    socket.uncork();
  }

  infer(id: unknown, fields: object = {}): void {
    this.send({ type: "infer", id, model: "m", ...fields });
  }

  async has(count: number): Promise<readonly Frame[]> {
    await until(() => this.frames.length >= count, `${count} frames`);
    return this.frames;
  }

  async closed(): Promise<number> {
    await until(() => this.closeCode !== undefined, "the close");
    return this.closeCode ?? -1;
  }

  async refused(): Promise<number> {
    await until(() => this.refusal !== undefined, "the refusal");
    return this.refusal ?? -1;
  }
}
