import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { severalOutputsModel, stringsAndIntegersModel } from "../../models/datatype-models.ts";
import { echoModel, fixedBatchModel } from "../../models/odd-models.ts";
import { between, type Random, seededRandom } from "../../models/random.ts";
import { type Cluster, startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import { waitFor } from "./wait.ts";

const seed = 20_261_120;
const bodies = 700;
const frames = 700;
const atOnce = 20;
const row = [1, 2, 3, 4];

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel() },
      strings: { onnx: stringsAndIntegersModel() },
      several: { onnx: severalOutputsModel() },
      fixed: { onnx: fixedBatchModel() },
    },
  },
);

const echoInput = { name: "x", datatype: "FP32", shape: [1, 4], data: row };

/** Sound requests, from which others are made. */
const sound: readonly (readonly [string, string])[] = [
  ["/predict/echo", JSON.stringify({ features: [row, row] })],
  ["/predict/echo", JSON.stringify({ inputs: { x: [row] } })],
  ["/predict/fixed", JSON.stringify({ features: row })],
  ["/predict/several", JSON.stringify({ features: [0.5, -1e3, 7] })],
  ["/predict/strings", JSON.stringify({ inputs: { text: ["é\n"], number: [["1", 2]] } })],
  ["/v2/models/echo/infer", JSON.stringify({ id: "a", inputs: [echoInput] })],
  [
    "/v2/models/echo/infer",
    JSON.stringify({
      inputs: [echoInput],
      outputs: [{ name: "y", parameters: { binary_data: false } }],
      parameters: { priority: 1 },
    }),
  ],
];

const soundFrames = [
  JSON.stringify({ type: "infer", id: "a", model: "echo", features: row }),
  JSON.stringify({ type: "infer", id: 7, model: "several", features: [1, 2, 3], timeout_ms: 900 }),
  JSON.stringify({ type: "infer", id: "s", model: "echo", stream: true, features: [row, row] }),
  JSON.stringify({ type: "cancel", id: "a" }),
];

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(between(random, 0, values.length))] as T;
}

const scraps = [
  ...[
    "null",
    "true",
    "-",
    "1e999",
    "NaN",
    "[]",
    "{}",
    "[[[[",
    "]]",
    '"',
    "\\",
    "\\u12",
    "\0",
    "\xff",
  ],
  ...[
    "9007199254740993",
    "-0.0",
    "1e-400",
    '"__proto__":1',
    '{"features":',
    ",,",
    ":",
    "18446744073709551616",
  ],
];

/** One small harm: a piece is cut out, doubled, or replaced. */
function harm(random: Random, text: string): string {
  const from = Math.floor(between(random, 0, text.length));
  const to = Math.min(text.length, from + Math.floor(between(random, 0, 12)));
  const harms = [
    () => text.slice(0, from),
    () => text.slice(0, from) + text.slice(to),
    () => text.slice(0, to) + text.slice(from),
    () => text.slice(0, from) + pick(random, scraps) + text.slice(to),
    () => text.slice(0, from) + pick(random, scraps) + text.slice(from),
    () => text.slice(0, from) + String.fromCharCode(between(random, 0, 256)) + text.slice(from + 1),
  ];
  return pick(random, harms)();
}

function anyValue(random: Random, depth: number): unknown {
  const leaves = [null, true, "", "x".repeat(300), 0, -1.5, 1e308, 2 ** 53, [], {}];
  if (depth === 0 || random() < 0.3) return pick(random, leaves);
  const some = Array.from({ length: Math.floor(between(random, 0, 5)) }, () =>
    anyValue(random, depth - 1),
  );
  if (random() < 0.5) return some;
  const names = ["features", "inputs", "x", "name", "shape", "data", "id", "__proto__", ""];
  return Object.fromEntries(some.map((value) => [pick(random, names), value]));
}

/** Mostly something that was once sound, else any JSON, else any bytes. */
function malformed(random: Random, text: string): string {
  const dice = random();
  if (dice < 0.15) return JSON.stringify(anyValue(random, 5));
  if (dice < 0.25) {
    const bytes = Array.from({ length: between(random, 0, 80) }, () => between(random, 0, 256));
    return String.fromCharCode(...bytes);
  }
  let harmed = text;
  for (let left = 1 + between(random, 0, 3); left >= 1; left -= 1) harmed = harm(random, harmed);
  return harmed;
}

/** Processes, so that a restart shows. */
async function pidsOf(whole: Cluster): Promise<readonly (number | null)[]> {
  const { front_doors, models } = await whole.tree();
  const hosts = models.flatMap(({ versions }) => versions.flatMap((version) => version.hosts));
  return [...front_doors, ...hosts].map(({ pid }) => pid);
}

/** What a client may be told for its own mistakes; over HTTP each has a status from 400 to 499. */
const clientCodes: ReadonlySet<string> = new Set([
  "invalid-request",
  "model-not-found",
  "not-found",
  "not-implemented",
  "forbidden",
  "cancelled",
  "deadline-exceeded",
]);

describe(`Random malformed requests, seed ${seed}`, () => {
  it(`are refused with 4xx, ${bodies} bodies over HTTP, and restart nothing`, async () => {
    const random = seededRandom(seed);
    const pids = await pidsOf(cluster);
    let refused = 0;
    for (let sent = 0; sent < bodies; sent += atOnce) {
      const asks = Array.from({ length: atOnce }, async () => {
        const [path, text] = pick(random, sound);
        const body = Buffer.from(malformed(random, text), "latin1");
        const reply = await cluster.send({ method: "POST", path, body });
        // Some harms leave a body that is sound.
        const isFair = reply.status === 200 || (reply.status >= 400 && reply.status < 500);
        assert.ok(isFair, `${path} ${JSON.stringify(body.toString("latin1"))} gets ${reply.text}`);
        if (reply.status === 200) return;
        refused += 1;
        assert.equal(reply.json.code, "invalid-request");
        assert.doesNotMatch(reply.json.error, /node_modules|\.js|\.ts|\bat .+:\d+/);
      });
      await Promise.all(asks);
    }
    assert.ok(refused > bodies / 2, `${refused} were refused`);
    assert.deepEqual(await pidsOf(cluster), pids);
  });

  it(`are refused with client codes, ${frames} frames on one socket, which lives`, async () => {
    const random = seededRandom(seed + 1);
    const pids = await pidsOf(cluster);
    const socket = await openSocket(cluster.url, "/ws");
    for (let sent = 0; sent < frames; sent += 1) {
      socket.send(Buffer.from(malformed(random, pick(random, soundFrames)), "latin1").toString());
      if (sent % atOnce === 0) {
        socket.infer(`mark ${sent}`, { model: "echo", features: row });
        assert.equal((await socket.answer(`mark ${sent}`)).type, "done");
      }
    }
    await cluster.quiet();
    await waitFor(() => socket.frames.length > frames / 2, "answers to most frames");
    for (const { type, code, error } of socket.frames) {
      if (type !== "failed") continue;
      assert.ok(clientCodes.has(code), `${code}: ${error}`);
    }
    socket.infer("last", { model: "echo", features: row });
    assert.equal((await socket.answer("last")).type, "done");
    assert.deepEqual(await pidsOf(cluster), pids);
    socket.close();
    await socket.closed;
  });

  const depth = 100_000;
  const bombs: readonly (readonly [string, string])[] = [
    ["deep lists", `{"features":${"[".repeat(depth)}${"]".repeat(depth)}}`],
    ["deep lists without an end", `{"features":${"[".repeat(depth)}`],
    ["deep objects", `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`],
    ["a long number", `{"features":[${"9".repeat(depth)},1,1,1]}`],
    ["many keys", `{${Array.from({ length: depth }, (_, at) => `"k${at}":1`).join()}}`],
    ["many empty rows", `{"features":[${Array(depth).fill("[]").join()}]}`],
    ["a long name", `{"inputs":{"${"n".repeat(depth)}":[1]}}`],
    [
      "a shape past all bounds",
      JSON.stringify({ inputs: [{ ...echoInput, shape: [2 ** 31, 2 ** 31] }] }),
    ],
    ["keys of prototypes", '{"__proto__":{"features":[1]},"constructor":{"prototype":{"a":1}}}'],
  ];
  for (const [what, body] of bombs) {
    it(`are refused with 400 and few words: ${what}`, async () => {
      for (const path of ["/predict/echo", "/v2/models/echo/infer"]) {
        const { status, json, text } = await cluster.send({ method: "POST", path, body });
        assert.deepEqual([status, json.code], [400, "invalid-request"]);
        assert.ok(text.length < 2_000, `${text.length} characters`);
      }
      const socket = await openSocket(cluster.url, "/v2/models/echo/stream");
      socket.send(`{"type":"infer","id":1,${body.slice(1)}`);
      await socket.count(1);
      assert.equal(socket.frames[0]?.code, "invalid-request");
      socket.close();
      await socket.closed;
    });
  }
});

it("and nothing is left", async () => {
  assert.equal(await cluster.restarts(), 0);
  await cluster.endsCleanly();
});
