import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { diagnose } from "../../src/cli/diagnosis.ts";
import { diagnosisText } from "../../src/cli/diagnosis-text.ts";
import { parseModelConfig } from "../../src/config/model-config.ts";
import type { Finding } from "../../src/protocol/examination.ts";
import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import { plainPaint } from "./paint.ts";

const metadata: ModelMetadata = {
  inputs: [
    { name: "x", datatype: "FP32", shape: [-1, 4], batchAxis: 0 },
    { name: "h", datatype: "FP32", shape: [-1, 2], batchAxis: 0 },
  ],
  outputs: [
    { name: "y", datatype: "FP32", shape: [-1, 3], batchAxis: 0 },
    { name: "hn", datatype: "FP32", shape: [-1, 2], batchAxis: 0 },
  ],
  batching: { type: "batched", maxBatchSize: 64 },
  notServable: [],
  state: [{ input: 1, output: 1, found: true }],
  stream: null,
  externalFiles: [],
};
const loaded: Finding = { type: "loaded", loadMs: 10, rssBytes: 100 * 1_048_576 };
const described: Finding = { type: "described", metadata };
const measured: Finding = { type: "measured", rows: 8, runMs: 4 };

function whole(...findings: readonly Finding[]) {
  return diagnose("m.onnx", { findings: [...findings, { type: "done" }], crash: undefined });
}

describe("diagnose", () => {
  it("says what a model costs, by the run, by the row and in a second", () => {
    const { problem, costs, load_ms } = whole(loaded, described, measured);
    assert.deepEqual([problem, load_ms], [null, 10]);
    assert.deepEqual(costs, [{ rows: 8, run_ms: 4, row_ms: 0.5, rows_per_second: 2_000 }]);
  });

  it("names the states that were found", () => {
    assert.deepEqual(whole(loaded, described).state, [{ input: "h", output: "hn" }]);
  });

  it("writes a model.yaml that a server takes", () => {
    const { model_yaml } = whole(loaded, described);
    const config = parseModelConfig(model_yaml ?? "", "model.yaml");
    assert.deepEqual(config.state, [{ input: "h", output: "hn", initial: "zeros" }]);
    assert.equal(config.limits.memoryMb, 256);
  });

  it("has ONNX Runtime's reason where it refuses the file", () => {
    const findings: readonly Finding[] = [{ type: "refused", reason: "no protobuf" }];
    assert.equal(diagnose("m.onnx", { findings, crash: undefined }).problem, "no protobuf");
  });

  for (const [findings, doing] of [
    [[], "while it loaded the model"],
    [[loaded], "while it tried batches"],
    [[loaded, described], "while it ran the model"],
    [[loaded, described, measured], "while it ran the model"],
  ] as const) {
    it(`says that a process died ${doing}`, () => {
      const { problem } = diagnose("m.onnx", { findings, crash: "SIGSEGV" });
      assert.ok(
        problem?.startsWith(`ONNX Runtime ended its process ${doing} (SIGSEGV)`),
        problem ?? "",
      );
    });
  }
});

describe("diagnosisText", () => {
  it("tells what a model takes and gives, how it batches and what it costs", () => {
    assert.equal(
      diagnosisText(whole(loaded, described, measured), plainPaint),
      `m.onnx can be served: loaded in 10 ms, 100 MiB for its process

       NAME  DATATYPE  SHAPE   BATCH AXIS
takes  x     FP32      [-1,4]  0
takes  h     FP32      [-1,2]  0
gives  y     FP32      [-1,3]  0
gives  hn    FP32      [-1,2]  0

batches: rows of several requests share a run
remembers: hn goes back into h

ROWS  A RUN   A ROW  ROWS/S
   8   4 ms  0.5 ms    2000

A model.yaml to start from:

description: What it is for
batching: { max_batch_size: 64, max_queue_delay_ms: 0 }  # the defaults
state:
  - input: h
    output: hn
limits: { memory_mb: 256 }  # past it a host is replaced
# golden:  # requests whose answers are known: a version that answers otherwise never serves
`,
    );
  });

  it("has one line for what cannot be served", () => {
    const findings: readonly Finding[] = [{ type: "refused", reason: "no protobuf" }];
    const text = diagnosisText(diagnose("m.onnx", { findings, crash: undefined }), plainPaint);
    assert.equal(text, "m.onnx cannot be served: no protobuf\n");
  });

  it("says why a model does not batch, and what was not measured", () => {
    const batching = { type: "unbatched", reason: "it mixes rows" } as const;
    const text = diagnosisText(
      whole(
        loaded,
        { type: "described", metadata: { ...metadata, batching } },
        {
          type: "measured",
          rows: 1,
          runMs: null,
        },
      ),
      plainPaint,
    );
    assert.match(text, /^does not batch, each request runs alone: it mixes rows$/m);
    assert.match(text, /^not measured: ONNX Runtime takes none of the rows/m);
  });
});
