/* Both engines, and with them the session, on real models: ONNX Runtime is loaded here. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import type { NamedTensor } from "../../model-host/engine.ts";
import { chooseEngine } from "../../model-host/engine-choice.ts";
import { InlineEngine } from "../../model-host/inline-engine.ts";
import { ThreadEngine } from "../../model-host/thread-engine.ts";
import { severalOutputsModel, stringsAndIntegersModel } from "../../models/datatype-models.ts";
import { externalScale } from "../../models/external-models.ts";
import { heavyModel } from "../../models/loop-models.ts";
import * as odd from "../../models/odd-models.ts";
import { encodeModel } from "../../models/onnx-writer.ts";
import type { TroupeError } from "../../src/protocol/errors.ts";
import type { SessionSettings } from "../../src/protocol/model-settings.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { fp32 } from "./fake-engine.ts";
import { it, settings } from "./real-engine.ts";

const folder = mkdtempSync(join(tmpdir(), "engines-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;

function file(bytes: Uint8Array): string {
  files += 1;
  const path = join(folder, `${files}.onnx`);
  writeFileSync(path, bytes);
  return path;
}

function named(name: string, tensor: Tensor): NamedTensor {
  return { name, ...tensor };
}

function plain(tensors: readonly Tensor[]): unknown {
  return tensors.map(({ datatype, shape, data }) => [
    datatype,
    shape,
    Array.from(data as ArrayLike<unknown>),
  ]);
}

/** `a` and `b` FP32 [batch,2] → `sum` FP32 [batch,2]. */
function sumModel(): Uint8Array {
  const value = (name: string) => ({ name, elementType: "FP32", shape: ["batch", 2] }) as const;
  return encodeModel({
    name: "sum",
    inputs: [value("a"), value("b")],
    outputs: [value("sum")],
    nodes: [{ op: "Add", inputs: ["a", "b"], outputs: ["sum"] }],
  });
}

const deaths: string[] = [];

const engines = [
  { name: "ThreadEngine", engine: new ThreadEngine((reason) => deaths.push(reason)) },
  { name: "InlineEngine", engine: new InlineEngine() },
] as const;

for (const { name, engine } of engines) {
  describe(name, () => {
    it("refuses to run before a model is loaded", async () =>
      assert.rejects(engine.run([], []), { code: "inference-failed" }));

    it("refuses what is no model, in ONNX Runtime's words and without paths", async () => {
      for (const path of [file(odd.brokenModel()), join(folder, "missing.onnx")]) {
        await assert.rejects(engine.load(path, settings, []), ({ code, message }: TroupeError) => {
          assert.equal(code, "invalid-model");
          assert.ok(message.length > 0 && !message.includes(folder), message);
          return true;
        });
      }
    });

    it("says what a model takes and gives", async () => {
      const { stamp, ...model } = await engine.load(file(stringsAndIntegersModel()), settings, []);
      assert.notEqual(stamp, "");
      assert.deepEqual(model, {
        inputs: [
          { name: "text", datatype: "BYTES", dims: ["batch"], kind: "a tensor of string" },
          { name: "number", datatype: "INT64", dims: ["batch", 2], kind: "a tensor of int64" },
        ],
        outputs: [
          { name: "text_out", datatype: "BYTES", dims: ["batch"], kind: "a tensor of string" },
          { name: "sum", datatype: "INT64", dims: ["batch", 1], kind: "a tensor of int64" },
          { name: "big", datatype: "INT64", dims: ["batch", 2], kind: "a tensor of int64" },
        ],
        externalFiles: [],
      });
    });

    it("says which of the files beside a model it keeps its weights in", async () => {
      const { onnx, data } = externalScale();
      const beside = [
        { name: "other.csv", file: file(new Uint8Array(9)) },
        { name: "weights.bin", file: file(data) },
      ];
      const { externalFiles } = await engine.load(file(onnx), settings, beside);
      assert.deepEqual(externalFiles, ["weights.bin"]);
    });

    it("runs texts and big integers", async () => {
      await engine.load(file(stringsAndIntegersModel()), settings, []);
      const inputs = [
        named("text", { datatype: "BYTES", shape: [1], data: ["größe"] }),
        named("number", { datatype: "INT64", shape: [1, 2], data: BigInt64Array.of(2n, 3n) }),
      ];
      const { outputs, runMs } = await engine.run(inputs, ["sum", "text_out", "big"]);
      assert.deepEqual(plain(outputs), [
        ["INT64", [1, 1], [5n]],
        ["BYTES", [1], ["größe"]],
        ["INT64", [1, 2], [18014398509481986n, 27021597764222979n]],
      ]);
      assert.ok(runMs >= 0);
    });

    it("gives the outputs that are fetched, in their order", async () => {
      await engine.load(file(severalOutputsModel()), settings, []);
      const { outputs } = await engine.run([named("x", fp32([1, 3]))], ["largest", "doubled"]);
      assert.deepEqual(plain(outputs), [
        ["INT64", [1], [2n]],
        ["FP32", [1, 3], [0, 2, 4]],
      ]);
    });

    it("gives memory that is nobody else's", async () => {
      await engine.load(file(odd.echoModel()), settings, []);
      const first = await engine.run([named("x", fp32([1, 4], [1, 2, 3, 4]))], ["y"]);
      await engine.run([named("x", fp32([1, 4], [5, 6, 7, 8]))], ["y"]);
      assert.deepEqual(plain(first.outputs), [["FP32", [1, 4], [1, 2, 3, 4]]]);
    });

    it("fails a run that ONNX Runtime refuses, keeps its words inside, and goes on", async () => {
      await engine.load(file(odd.gatherModel()), settings, []);
      const run = (index: bigint) => {
        const data = BigInt64Array.of(index);
        return engine.run([named("index", { datatype: "INT64", shape: [1], data })], ["y"]);
      };
      await assert.rejects(run(99n), ({ code, message, cause }: TroupeError) => {
        assert.deepEqual(
          [code, message],
          ["inference-failed", "Cannot run model: ONNX Runtime refused the inputs"],
        );
        assert.match(String(cause), /out of data bounds/);
        assert.ok(!/\/\w+\//.test(String(cause)), String(cause));
        return true;
      });
      assert.deepEqual(plain((await run(3n)).outputs), [["FP32", [1, 2], [3, 9]]]);
    });
  });
}

describe("engines", () => {
  const frame = () => {
    const memory = new ArrayBuffer(64);
    const data = new Float32Array(memory, 24, 4);
    data.set([1, 2, 3, 4]);
    return { memory, x: named("x", { datatype: "FP32", shape: [1, 4], data }) };
  };

  it("run on memory that holds more than the tensor; the thread's takes it, the other leaves it", async () => {
    const left: unknown[] = [];
    for (const { engine } of engines) {
      const { memory, x } = frame();
      await engine.load(file(odd.echoModel()), settings, []);
      const { outputs } = await engine.run([x], ["y"]);
      assert.deepEqual(plain(outputs), [["FP32", [1, 4], [1, 2, 3, 4]]]);
      left.push([engine.takesMemory, memory.byteLength]);
    }
    assert.deepEqual(left, [
      [true, 0],
      [false, 64],
    ]);
  });
});

describe("ThreadEngine", () => {
  it("takes several tensors that lie in one piece of memory", async () => {
    const [{ engine }] = engines;
    await engine.load(file(sumModel()), settings, []);
    const memory = Float32Array.of(1, 2, 3, 4).buffer;
    const inputs = ["a", "b"].map((name, i) => {
      const data = new Float32Array(memory, 8 * i, 2);
      return named(name, { datatype: "FP32", shape: [1, 2], data });
    });
    const { outputs } = await engine.run(inputs, ["sum"]);
    assert.deepEqual(plain(outputs), [["FP32", [1, 2], [4, 6]]]);
  });

  it("leaves the main thread free while it runs, and answers in order", async () => {
    const [{ engine }] = engines;
    await engine.load(file(heavyModel({ size: 256, repeats: 10_000 })), settings, []);
    const ended: string[] = [];
    const run = (name: string) =>
      engine.run([named("x", fp32([1, 4]))], ["y"]).then(() => ended.push(name));
    const runs = [run("first"), run("second")];
    await new Promise(setImmediate);
    ended.push("main");
    await Promise.all(runs);
    assert.deepEqual(ended, ["main", "first", "second"]);
  });

  it("ends its thread when it is closed, which is no death", async () => {
    const engine = new ThreadEngine((reason) => deaths.push(reason));
    await engine.load(file(odd.echoModel()), settings, []);
    const ids = () => readdirSync(`/proc/${process.pid}/task`);
    const before = ids();
    await engine.close();
    assert.ok(ids().length < before.length);
  });

  it("lives", () => assert.deepEqual(deaths, []));
});

describe("chooseEngine", () => {
  async function choose(bytes: Uint8Array, change: Partial<SessionSettings> = {}) {
    const loaded: string[] = [];
    const { engine, metadata } = await chooseEngine({
      file: file(bytes),
      beside: [],
      settings: { ...settings, ...change },
      trial: { maxBatchSize: 8, skip: null, state: null, stream: null },
      onDeath: (reason) => deaths.push(reason),
      onLoaded: async () => void loaded.push("loaded"),
    });
    // A model that turns out to be slow inline is not tried a second time.
    assert.equal(loaded.length, 1);
    return { name: engine.constructor.name, batching: metadata.batching.type };
  }

  const rows: readonly (readonly [string, () => Uint8Array, Partial<SessionSettings>, string])[] = [
    ["a tiny model inline", odd.echoModel, {}, "InlineEngine"],
    ["a tiny model of batch one inline", odd.fixedBatchModel, {}, "InlineEngine"],
    ["a model on its thread that has other operators", odd.gatherModel, {}, "ThreadEngine"],
    ["a model on its thread after it was tried inline", odd.freeWidthModel, {}, "ThreadEngine"],
    ["a model on its thread that cannot be batched", odd.batchMixingModel, {}, "ThreadEngine"],
    [
      "a model on its thread whose threads are its own",
      odd.echoModel,
      { threads: 2 },
      "ThreadEngine",
    ],
    ["a model of texts on its thread", stringsAndIntegersModel, {}, "ThreadEngine"],
  ];
  for (const [name, make, change, engine] of rows) {
    it(`runs ${name}`, async () => assert.equal((await choose(make(), change)).name, engine));
  }

  it("refuses what is no model, without its path", async () => {
    for (const path of [file(odd.brokenModel()), join(folder, "missing.onnx")]) {
      const choice = chooseEngine({
        file: path,
        beside: [],
        settings,
        trial: { maxBatchSize: 8, skip: null, state: null, stream: null },
        onDeath: (reason) => deaths.push(reason),
        onLoaded: async () => undefined,
      });
      await assert.rejects(choice, ({ code, message }: TroupeError) => {
        assert.deepEqual([code, message.includes(folder)], ["invalid-model", false]);
        return true;
      });
    }
  });
});
