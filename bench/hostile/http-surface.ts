// Open Inference V2 over HTTP, with binary tensors and all in JSON, plain and packed.
import { Agent, request } from "node:http";
import { deflateSync, gzipSync } from "node:zlib";
import type { Random } from "../../models/random.ts";
import { misstate } from "./misstatement.ts";
import { below, mutate, pick } from "./mutation.ts";
import { httpBody, plainBody, type Sound, sounds } from "./sound.ts";
import {
  clientCodes,
  inLanes,
  isOwnWord,
  lostSequence,
  pickWay,
  type Surface,
  type Tally,
  type Victim,
  type Way,
} from "./surface.ts";

const lanes = 16;

interface Ask {
  readonly model: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

const bodies = sounds.map((sound) => ({ model: sound.model, ...httpBody(sound) }));
const others = bodies.map(({ bytes }) => bytes);

export class HttpSurface implements Surface {
  readonly name = "HTTP";
  readonly #agent = new Agent({ keepAlive: true, maxSockets: lanes });
  readonly #port: number;

  constructor({ port }: Victim) {
    this.#port = port;
  }

  attack(random: Random, mutants: number, tally: Tally): Promise<void> {
    return inLanes(lanes, mutants, async () => {
      const ask = mutant(random);
      try {
        judge(await this.#send(ask), ask, tally);
      } catch (thrown) {
        tally.fault(`${String(thrown)} for ${shown(ask)}`);
      }
    });
  }

  async answers(): Promise<readonly string[]> {
    const answers: string[] = [];
    for (const { model, bytes, jsonBytes } of bodies) {
      const { status, body } = await this.#send({
        model,
        body: bytes,
        headers: headersOf(jsonBytes),
      });
      answers.push(`${status} ${body.toString("latin1")}`);
    }
    return answers;
  }

  close(): void {
    this.#agent.destroy();
  }

  #send({ model, body, headers: more }: Ask): Promise<Reply> {
    const headers = { ...more, "content-length": `${body.length}` };
    const path = `/v2/models/${model}/infer`;
    const options = { host: "127.0.0.1", port: this.#port, method: "POST", path, headers };
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...options, agent: this.#agent }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () =>
          resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }),
        );
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}

/** Null where all of the body is JSON. */
function headersOf(jsonBytes: number | string | null): Readonly<Record<string, string>> {
  if (jsonBytes === null) return { "content-type": "application/json" };
  return {
    "content-type": "application/octet-stream",
    "inference-header-content-length": `${jsonBytes}`,
  };
}

interface Draft {
  readonly model: string;
  readonly bytes: Buffer;
  readonly said: number | string | null;
}

/** Half of those that can be are all in JSON. */
function draft(random: Random): Draft {
  const sound = pick(random, sounds);
  const way = pickWay(random);
  const sent = way === "misstated" ? misstate(random, sound, sounds) : sound;
  const plain = random() < 0.5 ? plainBody(sent) : undefined;
  if (plain === undefined) return { model: sound.model, ...binaryDraft(random, sent, way) };
  const bytes = way === "misstated" ? plain : mutate(random, plain, others);
  return { model: sound.model, bytes, said: null };
}

function binaryDraft(random: Random, sound: Sound, way: Way): Omit<Draft, "model"> {
  const { bytes, jsonBytes } = httpBody(sound);
  switch (way) {
    case "misstated":
      return { bytes, said: jsonBytes };
    case "json": {
      const json = mutate(random, bytes.subarray(0, jsonBytes), others);
      return { bytes: Buffer.concat([json, bytes.subarray(jsonBytes)]), said: json.length };
    }
    case "bytes": {
      const harmed = mutate(random, bytes, others);
      const said = random() < 0.8 ? jsonBytes : wildLength(random, harmed.length);
      return { bytes: harmed, said };
    }
  }
}

/** Some are packed, and some of these harmed once more. */
function mutant(random: Random): Ask {
  const { model, bytes, said } = draft(random);
  const coding = random() < 0.8 ? undefined : pick(random, ["gzip", "deflate"] as const);
  if (coding === undefined) return { model, body: bytes, headers: headersOf(said) };
  const packed = coding === "gzip" ? gzipSync(bytes) : deflateSync(bytes);
  const body = random() < 0.5 ? packed : mutate(random, packed, [packed]);
  return { model, body, headers: { ...headersOf(said), "content-encoding": coding } };
}

function wildLength(random: Random, bytes: number): string {
  const near = below(random, bytes + 9);
  return pick(random, [`${near}`, `${near}`, `-${near}`, "1e2", "0x10", "9".repeat(20), "", "0"]);
}

function judge({ status, body }: Reply, ask: Ask, tally: Tally): void {
  if (status === 200) {
    tally.count("answered");
    return;
  }
  const text = body.toString();
  const { code, error } = JSON.parse(text) as { readonly code: string; readonly error: string };
  const isMistake = status >= 400 && status < 500 && clientCodes.has(code);
  const isFair = (isMistake || code === lostSequence) && isOwnWord(error);
  if (isFair) tally.count(`${status}`);
  else tally.fault(`${status} ${text} for ${shown(ask)}`);
}

function shown({ model, body, headers }: Ask): string {
  return `${model} ${JSON.stringify(headers)} ${body.toString("base64")}`;
}
