import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { openModel, runSession, tensor } from "../models/runtime.ts";
import { startReady } from "./cluster.ts";
import { type Frame, type FrameSocket, openSocket } from "./frame-socket.ts";
import { waitFor } from "./wait.ts";

const folder = resolve(import.meta.dirname, "../../../shared/models/silero-vad");
const skip = existsSync(folder) ? false : `${folder} is not there`;

const patienceMs = 60_000;
const hop = 512;
const overlap = 64;
/** Further apart than rounding in another batch moves them. */
const tolerance = 1e-5;

/** The 16-bit samples of the WAV file's data. */
function readSamples(): Buffer {
  const bytes = readFileSync(join(folder, "test.wav"));
  return bytes.subarray(bytes.indexOf("data") + 8);
}

function floatsOf(samples: Buffer): Float32Array {
  return Float32Array.from(
    { length: samples.length / 2 },
    (_, at) => samples.readInt16LE(2 * at) / 32_768,
  );
}

/** What the bare session gives, window by window. */
async function hearAlone(onnx: Buffer, signal: Float32Array): Promise<readonly number[]> {
  const session = await openModel(onnx);
  const padded = new Float32Array(overlap + signal.length);
  padded.set(signal, overlap);
  let state = tensor("float32", new Float32Array(2 * 128), [2, 1, 128]);
  const heard: number[] = [];
  for (let at = 0; at + overlap + hop <= padded.length; at += hop) {
    const input = tensor("float32", padded.slice(at, at + overlap + hop), [1, overlap + hop]);
    const sr = tensor("int64", BigInt64Array.of(16_000n), []);
    const { output, stateN } = await runSession(session, { input, state, sr });
    heard.push(output?.values[0] as number);
    state = tensor("float32", Float32Array.from(stateN?.values as number[]), [2, 1, 128]);
  }
  await session.release();
  return heard;
}

/** The answers to all pieces, in order; fails where a window is missing or out of place. */
function heardBy(frames: readonly Frame[]): readonly number[] {
  const chunks = frames.filter(({ type }) => type === "chunk");
  assert.deepEqual(
    chunks.map(({ position }) => position),
    chunks.map((_, at) => at * hop),
  );
  return chunks.map(
    ({ predictions }) => (predictions as readonly (readonly number[])[])[0]?.[0] ?? -1,
  );
}

function assertAlike(got: readonly number[], expected: readonly number[]): void {
  assert.equal(got.length, expected.length);
  const worst = Math.max(...got.map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN))));
  assert.ok(worst <= tolerance, `they differ by up to ${worst}`);
}

/** Like a microphone: bare samples in pieces of one size, whatever the model's windows are. */
async function speak(socket: FrameSocket, samples: Buffer, pieceBytes: number): Promise<void> {
  const pieces = Math.ceil(samples.length / pieceBytes);
  const answered = () => socket.frames.filter(({ type }) => type === "done").length;
  for (let at = 0; at < pieces; at += 1) {
    socket.sendBytes(samples.subarray(at * pieceBytes, (at + 1) * pieceBytes));
    if (at - answered() > 30) {
      await waitFor(() => at - answered() < 10, "answers to most pieces", patienceMs);
    }
  }
  await waitFor(() => answered() === pieces, "every piece to be answered", patienceMs);
}

describe("Silero's voice detector", { skip }, async () => {
  if (skip !== false) return;
  const onnx = readFileSync(join(folder, "silero_vad_16k_op15.onnx"));
  const cluster = await startReady(
    { after },
    {
      models: {
        vad: {
          onnx,
          yaml: [
            "stream: { input: input, window: 576, hop: 512, pad: zeros }",
            "defaults: { sr: 16000 }",
            // Hundreds of frames at once, on a machine that does other things too.
            "timeouts: { request_ms: 60000 }",
          ].join("\n"),
        },
        bare: { onnx },
      },
    },
  );
  const samples = readSamples();
  const signal = floatsOf(samples);
  const alone = await hearAlone(onnx, signal);
  const path = "/v2/models/vad/stream?samples=int16";

  it("hears the whole of a minute as its bare session does, from a client that only sends samples", async () => {
    const socket = await openSocket(cluster.url, path);
    await speak(socket, samples, 2 * 1_600);
    const heard = heardBy(socket.frames);
    assertAlike(heard, alone);
    assert.equal(heard.length, Math.floor(signal.length / hop));
    const speech = heard.filter((probability) => probability >= 0.5).length / heard.length;
    assert.ok(Math.abs(speech - 0.774) < 0.002, `speech in ${speech} of the windows`);
    socket.close();
  });

  it("gives sixteen sockets at once what each gets alone, in shared runs", async () => {
    const before = await cluster.metric("troupe_batch_sequences_count", { model_id: "vad" });
    const shares = Array.from({ length: 16 }, (_, place) => {
      const from = place * 40 * hop;
      return { place, from, bytes: samples.subarray(2 * from, 2 * (from + 120 * hop)) };
    });
    const expected = await Promise.all(
      shares.map(({ from }) => hearAlone(onnx, signal.slice(from, from + 120 * hop))),
    );
    await Promise.all(
      shares.map(async ({ place, bytes }) => {
        const socket = await openSocket(cluster.url, path);
        await speak(socket, bytes, 2 * (700 + 100 * place));
        assertAlike(heardBy(socket.frames), expected[place] ?? []);
        socket.close();
      }),
    );
    const runs =
      (await cluster.metric("troupe_batch_sequences_count", { model_id: "vad" })) - before;
    const frames = 16 * 120;
    assert.ok(runs < frames / 2, `${runs} runs for ${frames} windows`);
  });

  it("takes the same as numbers and as base64, and windows that the client cuts itself", async () => {
    const [numbers, text, own] = await Promise.all(
      ["vad", "vad", "bare"].map((model) => openSocket(cluster.url, `/v2/models/${model}/stream`)),
    );
    assert.ok(numbers !== undefined && text !== undefined && own !== undefined);
    const count = 30;
    numbers.infer(1, { samples: Array.from(signal.slice(0, count * hop)) });
    const base64 = samples.subarray(0, 2 * count * hop).toString("base64");
    text.infer(1, { samples: base64, encoding: "int16" });
    for (const socket of [numbers, text]) {
      assert.equal((await socket.answer(1)).rows, count);
      assertAlike(heardBy(socket.frames), alone.slice(0, count));
    }
    const padded = [...new Float32Array(overlap), ...signal.slice(0, count * hop)];
    const heard: number[] = [];
    for (let at = 0; at < count; at += 1) {
      const input = [padded.slice(at * hop, at * hop + overlap + hop)];
      const { predictions } = await own.step(at, { inputs: { input, sr: 16_000 } });
      heard.push((predictions as number[][])[0]?.[0] ?? -1);
    }
    assertAlike(heard, alone.slice(0, count));
    for (const socket of [numbers, text, own]) socket.close();
  });

  it("and nothing is left", async () => {
    await cluster.reaches(0, "troupe_sequences_active");
    await cluster.endsCleanly();
  });
});
