import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Failure } from "../../src/protocol/errors.ts";
import { FrameReader, FrameWriter } from "../../src/protocol/frame-stream.ts";
import {
  type DoorFrame,
  parseDoorFrame,
  type RequestFrame,
  writeHello,
} from "../../src/protocol/frames.ts";
import { writeDone, writeEnded, writeFailed } from "../../src/protocol/host-frames.ts";
import type { Pressure } from "../../src/protocol/pressure.ts";
import type { EndReason } from "../../src/protocol/sequences.ts";
import type { HostView } from "../../src/protocol/views.ts";
import { until } from "./until.ts";

export const noStages = { decodeUs: 0, queueUs: 0, runUs: 0, encodeUs: 0 };

export function pressure(changed: Partial<Pressure> = {}): Pressure {
  const load = { queuedRows: 0, runningRows: 0, rowCostMs: 0, rowsPerRequest: 1 };
  const rest = { draining: false, breakerRetryMs: 0, sequences: 0 };
  return { ...load, breaker: "closed", ...rest, ...changed };
}

/** The other end of a link: it says what the test tells it to say, and keeps what it hears. */
export class FakeHost {
  readonly view: HostView;
  readonly frames: DoorFrame[] = [];
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor(view: HostView) {
    this.view = view;
    this.#server = createServer((socket) => this.#meet(socket));
  }

  static async listen(t: TestContext, hostId = "m/1#0.1"): Promise<FakeHost> {
    const folder = mkdtempSync(join(tmpdir(), "fake-host-"));
    const host = new FakeHost({ hostId, socketPath: join(folder, "s") });
    await new Promise<void>((resolve) => host.#server.listen(host.view.socketPath, resolve));
    t.after(() => {
      host.hangUp();
      host.#server.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return host;
  }

  /** One that greets whoever comes. */
  static async ready(t: TestContext, hostId?: string): Promise<FakeHost> {
    const host = await FakeHost.listen(t, hostId);
    host.#server.on("connection", () => host.greet());
    return host;
  }

  get isConnected(): boolean {
    return this.#sockets.some((socket) => !socket.destroyed);
  }

  get requests(): readonly RequestFrame[] {
    return this.frames.filter((frame) => frame.type === "request");
  }

  async hasRequests(count: number): Promise<readonly RequestFrame[]> {
    await until(() => this.requests.length >= count, `${count} requests`);
    return this.requests;
  }

  /** The request that came last, when so many have come. */
  async request(count = 1): Promise<RequestFrame> {
    return (await this.hasRequests(count)).at(-1) as RequestFrame;
  }

  async hears(type: DoorFrame["type"]): Promise<DoorFrame> {
    await until(() => this.frames.some((frame) => frame.type === type), type);
    return this.frames.find((frame) => frame.type === type) as DoorFrame;
  }

  say(write: (writer: FrameWriter) => void): void {
    const writer = new FrameWriter();
    write(writer);
    this.sayBytes(Buffer.concat(writer.take()));
  }

  sayBytes(bytes: Buffer): void {
    this.#sockets.at(-1)?.write(bytes);
  }

  greet(hostId = this.view.hostId): void {
    this.say((writer) => writeHello(writer, hostId));
  }

  done(id: number, body = "{}", load = pressure()): void {
    const answer = { id, stages: noStages, rows: 1, pressure: load };
    this.say((writer) =>
      writeDone(writer, { ...answer, body: { json: Buffer.from(body), tensors: [] } }),
    );
  }

  failed(id: number, failure: Failure, load = pressure()): void {
    this.say((writer) => writeFailed(writer, { id, failure, pressure: load }));
  }

  ended(key: string, reason: EndReason): void {
    this.say((writer) => writeEnded(writer, key, reason));
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #meet(socket: Socket): void {
    this.#sockets.push(socket);
    const reader = new FrameReader(1e6);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      reader.push(chunk, (bytes) => {
        const frame = parseDoorFrame(bytes);
        if (frame !== undefined) this.frames.push(frame);
        return true;
      });
    });
  }
}
