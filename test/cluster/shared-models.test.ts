import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { type Cluster, startReady } from "./cluster.ts";
import type { Answer } from "./http-client.ts";

const folder = resolve(import.meta.dirname, "../../../shared/models");
const skip = existsSync(folder) ? false : `${folder} is not there`;

interface Tensor {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: unknown;
}

interface Metadata {
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
  }[];
  readonly parameters: { readonly batching: { readonly type: string; readonly reason?: string } };
}

/** Zeros, nested by the shape. */
function zeros([size, ...rest]: readonly number[]): unknown {
  return size === undefined ? 0 : Array.from({ length: size }, () => zeros(rest));
}

/** A file as magika's authors prepare it: its first and last 1024 bytes, without white space around, padded with 256. */
function magikaBytes(text: string): readonly number[] {
  const stripped = [...Buffer.from(text.trim())];
  const first = stripped.slice(0, 1_024);
  const last = stripped.slice(-1_024);
  return [
    ...first,
    ...Array<number>(1_024 - first.length).fill(256),
    ...Array<number>(1_024 - last.length).fill(256),
    ...last,
  ];
}

/** Samples from -1 to 1 of the 16-bit WAV file's data. */
function samplesOf(file: string, from: number, count: number): readonly number[] {
  const bytes = readFileSync(file);
  const dataAt = bytes.indexOf("data") + 8;
  return Array.from({ length: count }, (_, at) => {
    return bytes.readInt16LE(dataAt + 2 * (from + at)) / 32_768;
  });
}

describe("The models of other people", { skip }, async () => {
  if (skip !== false) return;
  const cluster: Cluster = await startReady({ after }, { modelsFolder: folder });

  async function outputsOf(model: string, inputs: unknown): Promise<Answer> {
    const { status, json, text } = await cluster.predict(model, { inputs });
    assert.equal(status, 200, text.slice(0, 500));
    return json;
  }

  async function metadataOf(model: string): Promise<Metadata> {
    return (await cluster.get<Metadata>(`/v2/models/${model}`)).json;
  }

  it("are all served", async () => {
    assert.deepEqual((await cluster.get("/readyz")).json.reasons, []);
    assert.equal(await cluster.metric("models_loaded"), 5);
  });

  const verdicts: readonly (readonly [string, string])[] = [
    ["mnist", "one-by-one"],
    ["ultraface-rfb-320", "one-by-one"],
    ["magika-standard_v3_3", "batched"],
    ["silero-vad", "batched"],
    ["stories260K-onnx", "batched"],
  ];
  for (const [model, type] of verdicts) {
    it(`${model} was found to be ${type}`, async () => {
      const { batching } = (await metadataOf(model)).parameters;
      assert.equal(batching.type, type, batching.reason);
    });
  }

  it("mnist scores an image, and several one by one", async () => {
    const image = zeros([1, 28, 28]);
    const one = await outputsOf("mnist", { Input3: [image] });
    assert.equal((one.predictions as number[][])[0]?.length, 10);
    const three = await outputsOf("mnist", { Input3: [image, image, image] });
    assert.deepEqual(three.predictions, Array(3).fill((one.predictions as unknown[])[0]));
  });

  it("ultraface takes a body of a megabyte", async () => {
    const { outputs } = await outputsOf("ultraface-rfb-320", { input: zeros([1, 3, 240, 320]) });
    const { scores, boxes } = outputs as { scores: Tensor; boxes: Tensor };
    assert.deepEqual(
      [scores.shape, boxes.shape],
      [
        [1, 4_420, 2],
        [1, 4_420, 4],
      ],
    );
  });

  it("magika tells files apart, in one batch as alone", async () => {
    const texts = [
      "import os\nimport sys\n\ndef main():\n    print(os.getcwd(), sys.argv)\n\nmain()\n".repeat(
        9,
      ),
      '{"name": "troupe", "private": true, "dependencies": {"a": "1.0.0"}}\n'.repeat(9),
      "<!doctype html><html><head><title>x</title></head><body><p>hello</p></body></html>",
    ];
    const rows = texts.map(magikaBytes);
    const alone = await Promise.all(
      rows.map(
        async (row) => (await outputsOf("magika-standard_v3_3", { bytes: [row] })).predictions,
      ),
    );
    const together = await outputsOf("magika-standard_v3_3", { bytes: rows });
    const best = (scores: readonly number[]) => scores.indexOf(Math.max(...scores));
    const bestAlone = (alone as number[][][]).map(([scores]) => best(scores ?? []));
    assert.deepEqual((together.predictions as number[][]).map(best), bestAlone);
    assert.equal(new Set(bestAlone).size, texts.length);
    assert.deepEqual(
      (together.predictions as number[][]).map(({ length }) => length),
      [214, 214, 214],
    );
  });

  it("silero hears speech, state by state, in requests of one row and of two", async () => {
    const samples = samplesOf(join(folder, "silero-vad", "test.wav"), 0, 64 + 512 * 40);
    let state: unknown = zeros([2, 1, 128]);
    const heard: number[] = [];
    for (let at = 0; at + 576 <= samples.length; at += 512) {
      const input = [samples.slice(at, at + 576)];
      const { outputs } = await outputsOf("silero-vad", { input, state, sr: 16_000 });
      const { output, stateN } = outputs as { output: Tensor; stateN: Tensor };
      assert.deepEqual(
        [output.shape, stateN.shape],
        [
          [1, 1],
          [2, 1, 128],
        ],
      );
      state = stateN.data;
      heard.push((output.data as number[][])[0]?.[0] ?? 0);
    }
    assert.ok(Math.max(...heard) > 0.8, `at most ${Math.max(...heard)}`);
    const two = [samples.slice(0, 576), samples.slice(512, 1_088)];
    const { outputs } = await outputsOf("silero-vad", {
      input: two,
      state: zeros([2, 2, 128]),
      sr: 16_000,
    });
    const { output, stateN } = outputs as { output: Tensor; stateN: Tensor };
    assert.deepEqual(
      [output.shape, stateN.shape],
      [
        [2, 1],
        [2, 2, 128],
      ],
    );
  });

  it("stories tells the likeliest next token, with an empty cache and with its own", async () => {
    const { inputs } = await metadataOf("stories260K-onnx");
    const caches = inputs.filter(({ name }) => name.startsWith("past_key_values"));
    assert.ok(caches.length >= 2);
    const empty = Object.fromEntries(caches.map(({ name }) => [name, [[[], [], [], []]]]));
    const first = await outputsOf("stories260K-onnx", {
      input_ids: [[1, 403]],
      attention_mask: [[1, 1]],
      position_ids: [[0, 1]],
      ...empty,
    });
    const present = first.outputs as Readonly<Record<string, Tensor>>;
    assert.deepEqual(present["logits"]?.shape, [1, 2, 512]);
    const kept = Object.fromEntries(
      caches.map(({ name }) => [name, present[name.replace("past_key_values", "present")]?.data]),
    );
    const second = await outputsOf("stories260K-onnx", {
      input_ids: [[407]],
      attention_mask: [[1, 1, 1]],
      position_ids: [[2]],
      ...kept,
    });
    const later = second.outputs as Readonly<Record<string, Tensor>>;
    assert.deepEqual(later["logits"]?.shape, [1, 1, 512]);
    assert.deepEqual(later["present.0.key"]?.shape, [1, 4, 3, 8]);
  });

  it("and nothing is left", () => cluster.endsCleanly());
});
