import { randomBytes } from "node:crypto";
import type { Dialogue, Heard } from "./dialogue.ts";
import { clientFrame, FrameReader, type ServerFrame } from "./frames.ts";
import type { Job } from "./message.ts";
import { isUpgraded, upgradeBytes } from "./upgrade.ts";

const headEnd = "\r\n\r\n";
const noBytes = Buffer.alloc(0);
/** How an answer to a frame begins that Troupe could give. */
const doneHead = Buffer.from('{"type":"done"');
/** A message has no status: this one stands for whatever is not done. */
const notDone = 500;

function heardIn(frame: ServerFrame): Heard {
  switch (frame.type) {
    case "message":
      return { type: "answer", status: frame.isWanted ? 200 : notDone };
    case "ping":
      return { type: "reply", bytes: clientFrame("pong", frame.payload) };
    case "close":
      return { type: "end" };
  }
}

export class WebSocketDialogue implements Dialogue {
  readonly greeting: Buffer;
  readonly request: Buffer;
  readonly #key: string;
  readonly #frames = new FrameReader(doneHead);
  #isOpen = false;
  /** The beginning of the handshake's answer, while it is not whole. */
  #headSoFar: Buffer = noBytes;

  constructor(
    job: Pick<Job, "port" | "path">,
    request: Buffer,
    key = randomBytes(16).toString("base64"),
  ) {
    this.greeting = upgradeBytes(job, key);
    this.request = request;
    this.#key = key;
  }

  hear(chunk: Buffer): readonly Heard[] {
    return this.#isOpen ? this.#frames.push(chunk).map(heardIn) : this.#hearHandshake(chunk);
  }

  #hearHandshake(chunk: Buffer): readonly Heard[] {
    const bytes = Buffer.concat([this.#headSoFar, chunk]);
    const end = bytes.indexOf(headEnd);
    if (end === -1) {
      this.#headSoFar = bytes;
      return [];
    }
    if (!isUpgraded(bytes.toString("latin1", 0, end), this.#key)) return [{ type: "end" }];
    this.#isOpen = true;
    return [{ type: "ready" }, ...this.hear(bytes.subarray(end + headEnd.length))];
  }
}
