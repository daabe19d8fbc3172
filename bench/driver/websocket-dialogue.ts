import { randomBytes } from "node:crypto";
import type { Dialogue, Heard } from "./dialogue.ts";
import { clientFrame, FrameReader, type ServerFrame } from "./frames.ts";
import { type Destination, isUpgraded, upgradeBytes } from "./upgrade.ts";

const headEnd = "\r\n\r\n";
const noBytes = Buffer.alloc(0);
/** How an answer to a frame begins that Troupe could give. */
const doneHead = '{"type":"done"';
/** Lane 0 has id 1. */
const idPattern = /"id":(\d+)/;
/** A message has no status: this one stands for whatever is not done. */
const notDone = 500;

/** A frame for each lane, which differ in their ids; of one lane as it is. */
export function framesOf(body: string | Uint8Array, depth: number): readonly Buffer[] {
  if (depth === 1) return [clientFrame("text", Buffer.from(body))];
  const message = JSON.parse(Buffer.from(body).toString());
  return Array.from({ length: depth }, (_, lane) =>
    clientFrame("text", Buffer.from(JSON.stringify({ ...message, id: lane + 1 }))),
  );
}

function laneOf(lead: string, lanes: number): number {
  return lanes === 1 ? 0 : Number(idPattern.exec(lead)?.[1]) - 1;
}

function heardIn(frame: ServerFrame, lanes: number): Heard {
  switch (frame.type) {
    case "message": {
      const status = frame.lead.startsWith(doneHead) ? 200 : notDone;
      return { type: "answer", lane: laneOf(frame.lead, lanes), status };
    }
    case "ping":
      return { type: "reply", bytes: clientFrame("pong", frame.payload) };
    case "close":
      return { type: "end" };
  }
}

export class WebSocketDialogue implements Dialogue {
  readonly greeting: Buffer;
  readonly #requests: readonly Buffer[];
  readonly #key: string;
  readonly #frames = new FrameReader();
  #isOpen = false;
  /** The beginning of the handshake's answer, while it is not whole. */
  #headSoFar: Buffer = noBytes;

  /** One request for each lane. */
  constructor(
    destination: Destination,
    requests: readonly Buffer[],
    key = randomBytes(16).toString("base64"),
  ) {
    this.greeting = upgradeBytes(destination, key);
    this.#requests = requests;
    this.#key = key;
  }

  request(lane: number): Buffer {
    return this.#requests[lane] ?? noBytes;
  }

  hear(chunk: Buffer): readonly Heard[] {
    if (!this.#isOpen) return this.#hearHandshake(chunk);
    return this.#frames.push(chunk).map((frame) => heardIn(frame, this.#requests.length));
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
