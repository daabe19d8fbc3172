// Frames of WebSockets with binary tensors, on one socket that must live through all, and frames that are none.
import { once } from "node:events";
import { connect } from "node:net";
import { WebSocket } from "ws";
import type { Random } from "../../models/random.ts";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";
import { misstate } from "./misstatement.ts";
import { mutate, pick } from "./mutation.ts";
import { socketFrame, sounds } from "./sound.ts";
import {
  clientCodes,
  inLanes,
  isOwnWord,
  pickWay,
  type Surface,
  type Tally,
  type Victim,
} from "./surface.ts";

/** As many as one socket may have in flight, less the one that says that all are answered. */
const atOnce = 24;
const rawLanes = 8;
/** Of the mutants so many are harmed below the messages, which costs a socket each. */
const rawShare = 0.1;

const frames = sounds.map((sound) => socketFrame(sound, "sound"));

interface Answer {
  readonly type: string;
  readonly id: string | number | null;
  readonly code?: string;
  readonly error?: string;
}

export class SocketSurface implements Surface {
  readonly name = "WebSocket";
  readonly #port: number;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (text: string) => void>();
  #tally: Tally | undefined;
  #marks = 0;

  private constructor(port: number, socket: WebSocket) {
    this.#port = port;
    this.#socket = socket;
    socket.on("message", (data, isBinary) => this.#hear(data as Buffer, isBinary));
    socket.on("close", (code) => this.#tally?.fault(`the socket closed with ${code}`));
    socket.on("error", (error) => this.#tally?.fault(`the socket failed: ${error.message}`));
  }

  static async open({ port }: Victim): Promise<SocketSurface> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    const surface = new SocketSurface(port, socket);
    await once(socket, "open");
    return surface;
  }

  async attack(random: Random, mutants: number, tally: Tally): Promise<void> {
    this.#tally = tally;
    const raw = Math.floor(mutants * rawShare);
    for (let left = mutants - raw; left > 0; left -= atOnce) {
      for (let sent = 0; sent < Math.min(left, atOnce); sent += 1) {
        this.#socket.send(mutant(random, sent), { binary: true });
      }
      await this.#ask(sounds[0] as (typeof sounds)[0]);
    }
    await inLanes(rawLanes, raw, () => this.#attackRaw(random, tally));
    this.#tally = undefined;
  }

  async answers(): Promise<readonly string[]> {
    const answers: string[] = [];
    for (const sound of sounds) {
      // What came before is remembered, and would be part of the answer.
      if (sound.model === "memory") this.#socket.send('{"type":"reset","model":"memory"}');
      answers.push(await this.#ask(sound));
    }
    return answers;
  }

  close(): void {
    this.#socket.terminate();
  }

  /** Resolves with the answer but for its ids. */
  #ask(sound: (typeof sounds)[0]): Promise<string> {
    this.#marks += 1;
    const id = `mark ${this.#marks}`;
    const answered = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(socketFrame(sound, id), { binary: true });
    return answered;
  }

  #hear(data: Buffer, isBinary: boolean): void {
    const text = isBinary ? data.toString("utf8", 4, 4 + data.readUInt32LE()) : data.toString();
    const { type, id, code = "", error = "" } = JSON.parse(text) as Answer;
    const resolve = this.#waiting.get(String(id));
    if (resolve !== undefined && type === "done") {
      this.#waiting.delete(String(id));
      // The text's length depends on the ids, so it is left out with them.
      const body = isBinary ? data.subarray(4) : data;
      resolve(body.toString("latin1").replace(/"(?:id|request_id)":"[^"]*"/g, ""));
    } else if (type !== "failed") this.#tally?.count("answered");
    else if (clientCodes.has(code) && isOwnWord(error)) this.#tally?.count(code);
    else this.#tally?.fault(`frame ${text}`);
  }

  /** A frame that is harmed with its head, on a socket of its own, which may do with it what it likes but live on. */
  async #attackRaw(random: Random, tally: Tally): Promise<void> {
    const socket = connect(this.#port, "127.0.0.1");
    socket.on("error", () => undefined);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    const closed = once(socket, "close");
    socket.write(upgrade);
    const frame = masked(pick(random, frames));
    socket.end(mutate(random, frame, [frame]));
    await closed;
    const got = Buffer.concat(chunks).toString("latin1");
    if (got.startsWith("HTTP/1.1 101 ")) tally.count("raw");
    else tally.fault(`a raw frame got ${got}`);
  }
}

/** Of another id than those that are in flight with it. */
function mutant(random: Random, id: number): Buffer {
  const sound = pick(random, sounds);
  switch (pickWay(random)) {
    case "misstated":
      return socketFrame(misstate(random, sound, sounds), id);
    case "json": {
      const frame = socketFrame(sound, id);
      const tensorsAt = 4 + frame.readUInt32LE();
      const json = mutate(random, frame.subarray(4, tensorsAt), frames);
      return Buffer.concat([lengthPrefix(json.length), json, frame.subarray(tensorsAt)]);
    }
    case "bytes":
      return mutate(random, socketFrame(sound, id), frames);
  }
}

const upgrade = [
  "GET /ws HTTP/1.1",
  "Host: troupe",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "\r\n",
].join("\r\n");

/** One binary frame of RFC 6455, section 5.2, whose mask changes nothing. */
function masked(payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x82fe, 0);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
