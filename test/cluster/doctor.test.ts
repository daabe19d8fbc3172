import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { crashModel, crashOnLoadModel } from "../../models/crash-models.ts";
import { externalScale } from "../../models/external-models.ts";
import { batchMixingModel } from "../../models/odd-models.ts";
import type { Diagnosis } from "../../src/cli/diagnosis.ts";
import { parseModelConfig } from "../../src/config/model-config.ts";
import { troupe } from "./command-line.ts";

const folder = mkdtempSync("/tmp/trt-doctor-");
after(() => rmSync(folder, { recursive: true }));

function written(name: string, bytes: Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

async function diagnosisOf(file: string) {
  const { code, out, err } = await troupe(["doctor", file, "--json"]);
  assert.equal(err, "");
  return { code, diagnosis: JSON.parse(out) as Diagnosis };
}

const iris = resolve(import.meta.dirname, "../../models/iris/model.onnx");
const isTrapped = process.arch === "x64";

describe("troupe doctor", () => {
  it("explains a model, what it costs, and how to configure it", async () => {
    const { code, diagnosis } = await diagnosisOf(iris);
    assert.deepEqual([code, diagnosis.problem, diagnosis.batching?.type], [0, null, "batched"]);
    assert.deepEqual(
      diagnosis.costs.map(({ rows }) => rows),
      [1, 8, 32],
    );
    assert.ok(diagnosis.costs.every(({ run_ms }) => run_ms !== null && run_ms > 0));
    assert.ok(parseModelConfig(diagnosis.model_yaml ?? "", "model.yaml"));
  });

  it("says it to people", async () => {
    const { out } = await troupe(["doctor", iris]);
    assert.match(
      out,
      /^model\.onnx can be served: loaded in [\d.]+ ms, [\d.]+ MiB for its process\n/,
    );
    assert.match(out, /^batches: rows of several requests share a run$/m);
  });

  it("says why a model does not batch, and measures one row", async () => {
    const { code, diagnosis } = await diagnosisOf(written("mixing.onnx", batchMixingModel()));
    assert.equal(code, 0);
    assert.deepEqual(
      [diagnosis.batching?.type, diagnosis.costs.map(({ rows }) => rows)],
      ["unbatched", [1]],
    );
  });

  it("finds weights beside the file, and nowhere else", async () => {
    const { onnx, data } = externalScale();
    const file = written("scale.onnx", onnx);
    const without = await diagnosisOf(file);
    assert.match(without.diagnosis.problem ?? "", /'weights\.bin', which is not beside it/);
    symlinkSync(iris, join(folder, "weights.bin"));
    assert.equal((await diagnosisOf(file)).code, 1);
    rmSync(join(folder, "weights.bin"));
    written("weights.bin", data);
    assert.equal((await diagnosisOf(file)).diagnosis.problem, null);
  });

  it("has ONNX Runtime's words for what is no model", async () => {
    const { code, out } = await troupe(["doctor", written("broken.onnx", Buffer.from("no"))]);
    assert.equal(code, 1);
    assert.match(out, /^broken\.onnx cannot be served: .+\n$/);
  });

  it("outlives a file that ends ONNX Runtime's process", { skip: !isTrapped }, async () => {
    const { code, diagnosis } = await diagnosisOf(written("crash.onnx", crashOnLoadModel()));
    assert.equal(code, 1);
    assert.match(
      diagnosis.problem ?? "",
      /^ONNX Runtime ended its process while it loaded the model \(SIGFPE\)/,
    );
  });

  it("explains a model that only some inputs would crash", async () => {
    assert.equal((await diagnosisOf(written("sometimes.onnx", crashModel()))).code, 0);
  });

  it("ends what takes too long", async () => {
    const { code, out } = await troupe(["doctor", iris, "--timeout-ms", "1"]);
    assert.equal(code, 1);
    assert.match(out, /\(it was ended after 1 ms\)/);
  });
});
