import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { totalModel } from "../../models/loop-models.ts";
import { type Random, seededRandom } from "../../models/random.ts";
import { startReady } from "./cluster.ts";
import { type Frame, type FrameSocket, openSocket } from "./frame-socket.ts";
import { waitFor } from "./wait.ts";

const seeds = [1, 2, 3, 4, 5, 6];
const bursts = 12;
/** Fewer than a socket takes at once. */
const framesPerBurst = 40;
const names = [undefined, "a", "b"];
const socketCount = 3;

const cluster = await startReady(
  { after },
  {
    models: {
      total: {
        onnx: totalModel(),
        yaml: [
          "replicas: 2",
          "restart: { intensity: 1000, min_backoff_ms: 10, max_backoff_ms: 20 }",
          "batching: { max_batch_size: 4 }",
        ].join("\n"),
      },
    },
    flags: ["--front-doors", "2"],
  },
);

interface Sent {
  readonly id: number;
  readonly trips: number;
}

/** From one reset of a sequence to the next: what was sent, in order. */
type Life = Sent[];

/** What never reached the sequence, so that it goes on without it. */
const refusals: ReadonlySet<string> = new Set([
  "invalid-request",
  "overloaded",
  "model-unavailable",
]);

/** A client with some sequences on one socket; it remembers what it sent to which. */
class Client {
  readonly socket: FrameSocket;
  readonly lives: Life[] = [];
  readonly #current = new Map<string | undefined, Life>();
  #lastId = 0;

  constructor(socket: FrameSocket) {
    this.socket = socket;
  }

  frame(sequence: string | undefined, trips: number, fields: object): void {
    this.#lastId += 1;
    this.#life(sequence).push({ id: this.#lastId, trips });
    const named = sequence === undefined ? {} : { sequence };
    this.socket.infer(this.#lastId, { features: [trips], ...named, ...fields });
  }

  turn(type: "reset" | "end", sequence: string | undefined): void {
    if (!this.#current.delete(sequence)) return;
    this.socket.send({ type, ...(sequence === undefined ? {} : { sequence }) });
  }

  cancel(back: number): void {
    this.socket.send({ type: "cancel", id: Math.max(1, this.#lastId - back) });
  }

  async settle(): Promise<void> {
    await waitFor(() => this.#answers.size >= this.#lastId, "every frame to be answered", 30_000);
  }

  get #answers(): ReadonlyMap<number, Frame> {
    const answers = this.socket.frames.filter(({ type, id }) => type !== "ended" && id !== null);
    return new Map(answers.map((frame) => [frame.id as number, frame]));
  }

  #life(sequence: string | undefined): Life {
    const known = this.#current.get(sequence);
    if (known !== undefined) return known;
    const life: Life = [];
    this.#current.set(sequence, life);
    this.lives.push(life);
    return life;
  }

  /** Gives how many frames were done. */
  check(): number {
    const answers = this.#answers;
    const ids = this.socket.frames.filter(({ type }) => type !== "ended").map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, "a frame was answered twice");
    return this.lives.reduce((sum, life) => sum + checkLife(life, answers), 0);
  }
}

/** Each answer is the sum of what came before it, and none comes after a frame that was taken and not run. */
function checkLife(life: Life, answers: ReadonlyMap<number, Frame>): number {
  let total = 0;
  let done = 0;
  let brokenBy: Frame | undefined;
  for (const { id, trips } of life) {
    const answer = answers.get(id);
    assert.ok(answer !== undefined);
    if (answer.type === "failed") {
      if (!refusals.has(answer.code)) brokenBy ??= answer;
      continue;
    }
    assert.equal(brokenBy, undefined, `frame ${id} was run after ${JSON.stringify(brokenBy)}`);
    total += trips;
    assert.deepEqual(answer.predictions, [[total]], `frame ${id}`);
    done += 1;
  }
  return done;
}

/** How often a client does what, out of a hundred times. */
const habits: readonly (readonly [number, (client: Client, random: Random) => void])[] = [
  [78, (client, random) => client.frame(nameFrom(random), 1 + below(random, 400), {})],
  [4, (client, random) => client.frame(nameFrom(random), 1 + below(random, 20_000), hurry(random))],
  [3, (client, random) => client.frame(nameFrom(random), 1, { features: "no number" })],
  [9, (client, random) => client.turn("reset", nameFrom(random))],
  [4, (client, random) => client.turn("end", nameFrom(random))],
  [2, (client, random) => client.cancel(below(random, 6))],
];

function below(random: Random, most: number): number {
  return Math.floor(random() * most);
}

function nameFrom(random: Random): string | undefined {
  return names[below(random, names.length)];
}

function hurry(random: Random): object {
  return { timeout_ms: 1 + below(random, 4) };
}

function act(client: Client, random: Random): void {
  let chance = below(random, 100);
  for (const [share, doIt] of habits) {
    if (chance < share) {
      doIt(client, random);
      return;
    }
    chance -= share;
  }
}

async function killOne(choice: number): Promise<void> {
  const pids = await cluster.pidsOf("total");
  const pid = pids[Math.floor(choice * pids.length)];
  if (pid !== undefined) process.kill(pid, "SIGKILL");
}

/** Bursts of whatever a client may do, and now and then a kill; gives how many frames were done. */
async function live(seed: number): Promise<number> {
  const random = seededRandom(seed);
  const open = () => openSocket(cluster.url, "/v2/models/total/stream");
  const sockets = await Promise.all(Array.from({ length: socketCount }, open));
  const clients = sockets.map((socket) => new Client(socket));
  for (let burst = 0; burst < bursts; burst += 1) {
    for (let at = 0; at < framesPerBurst; at += 1) for (const one of clients) act(one, random);
    if (random() < 0.3) await killOne(random());
    await Promise.all(clients.map((client) => client.settle()));
  }
  for (const { socket } of clients) socket.close();
  return clients.reduce((sum, client) => sum + client.check(), 0);
}

describe("Sequences, whatever happens to them", () => {
  let done = 0;

  for (const seed of seeds) {
    it(`remember what is theirs, and nothing else (seed ${seed})`, async () => {
      done += await live(seed);
    });
  }

  it("were mostly answered", () => {
    const sent = seeds.length * bursts * framesPerBurst * socketCount;
    assert.ok(done > sent / 4, `${done} of about ${sent} frames were done`);
  });

  it("leave nothing", async () => {
    await cluster.reaches(0, "troupe_sequences_active");
    await cluster.endsCleanly();
  });
});
