import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import { parseSchwiftConfig } from "../../src/config/schwift-config.ts";
import type { TroupeError } from "../../src/protocol/errors.ts";

const needed = "model:\n  name: iris\n  model_args: { model_file: iris.onnx }\n";

function refusal(text: string): string {
  try {
    parseSchwiftConfig(text, "iris.yaml");
  } catch (thrown) {
    assert.equal((thrown as TroupeError).code, "invalid-model");
    return (thrown as TroupeError).message;
  }
  return "";
}

describe("parseSchwiftConfig", () => {
  it("reads every key that Troupe honours", () => {
    const text = `model:
  name: iris
  version: 2
  description: flowers
  backend: onnx
  model_args:
    model_file: iris.onnx
    device: cpu
    kwargs: {}
  input: { type: tensor, shape: [null, 4], dtype: float32 }
  output: { shape: [3], dtype: np.int64 }
  max_batch_delay_ms: 5
  caching: false
`;
    const { modelYaml, ...read } = parseSchwiftConfig(text, "iris.yaml") ?? {};
    assert.deepEqual(read, {
      name: "iris",
      version: "2",
      modelFile: "iris.onnx",
      warnings: [],
      config: {
        ...defaultModelConfig,
        description: "flowers",
        batching: { ...defaultModelConfig.batching, maxQueueDelayMs: 5 },
        schwift: {
          file: "iris.yaml",
          input: { datatype: "FP32", shape: [-1, 4], line: 10 },
          output: { datatype: "INT64", shape: [3], line: 11 },
        },
      },
    });
    assert.equal(modelYaml?.type, "map");
  });

  it("leaves YAML of others alone", () => {
    assert.equal(parseSchwiftConfig("services: {}", "compose.yaml"), undefined);
    assert.equal(parseSchwiftConfig("", "empty.yaml"), undefined);
    assert.equal(parseSchwiftConfig("a: { model: 1 }", "nested.yaml"), undefined);
    assert.equal(parseSchwiftConfig("a: |\n  model: {", "text.yaml"), undefined);
    assert.equal(parseSchwiftConfig("- &a model\n- *a", "aliases.yaml"), undefined);
    assert.equal(parseSchwiftConfig("x: model", "data.yaml", 1_000_000), undefined);
  });

  for (const [what, text] of [
    ["a quoted key", needed.replace("model:", '"model":')],
    ["a mark of its encoding", `\ufeff${needed}`],
    ["JSON", '{"model": {"name": "iris", "model_args": {"model_file": "iris.onnx"}}}'],
    ["a margin", `  ${needed.replaceAll("\n", "\n  ").trimEnd()}`],
  ] as const) {
    it(`knows its own with ${what}`, () => {
      assert.equal(parseSchwiftConfig(text, "iris.yaml")?.name, "iris");
    });
  }

  it("refuses one that is too large", () => {
    assert.throws(() => parseSchwiftConfig(needed, "iris.yaml", 1_000_000), {
      message: "Cannot read iris.yaml: it must have at most 65536 bytes, got 1000000",
    });
  });

  const warned: readonly (readonly [string, string])[] = [
    ["  preferred_batch_size: [4, 8]", "model.preferred_batch_size (line 4)"],
    ["  rush_batch_size: 16", "model.rush_batch_size (line 4)"],
    ["  caching: true", "model.caching (line 4)"],
    ["  max_batch_delay_ms: 2.5", "model.max_batch_delay_ms (line 4)"],
    ["  input: { type: image }", "model.input.type (line 4)"],
  ];
  for (const [line, words] of warned) {
    it(`warns of${line}`, () => {
      const { warnings = [] } = parseSchwiftConfig(`${needed}${line}\n`, "iris.yaml") ?? {};
      assert.equal(warnings.length, 1);
      assert.ok(warnings[0]?.startsWith(`${words}: `), warnings[0]);
    });
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ["model: 3", /^Cannot read iris.yaml: model must be a map, got 3 \(line 1\)$/],
    ["model: {}", /model has no name \(line 1\)/],
    ["model:\n  name: iris", /model has no model_args.model_file \(line 1\)/],
    ["model:\n\tname: x", /^Cannot read iris.yaml: not valid YAML/],
    [`${needed}other: 1`, /unknown key "other"; known is model \(line 4\)/],
    [`${needed}  max_batch_dely_ms: 1`, /unknown key .* max_batch_delay_ms \(line 4\)/],
    [`${needed}  backend: sklearn`, /model.backend must be 'onnx'.*not built yet \(line 4\)/],
    [`${needed}  backend: paddle`, /model.backend .* is unknown \(line 4\)/],
    [`${needed}  max_batch_delay_ms: -1`, /model.max_batch_delay_ms must be .* \(line 4\)/],
    [`${needed}  input: { dtype: complex64 }`, /model.input.dtype must be one of .* \(line 4\)/],
    [`${needed}  input: { shape: 4 }`, /model.input.shape must be a list of sizes, got 4/],
    [`${needed}  input: { shape: [a] }`, /model.input.shape\[0\] must be an integer/],
    ["model:\n  name: ../x", /model.name must be .* \(line 2\)/],
    [
      "model:\n  name: x\n  model_args: { model_file: x.onnx, class: Net }",
      /model.model_args.class is for code around a model, which Troupe does not run \(line 3\)/,
    ],
    [
      "model:\n  name: x\n  model_args: { kwargs: { a: 1 } }",
      /model.model_args.kwargs is for code/,
    ],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text.slice(-40))}`, () => {
      assert.match(refusal(text), message);
    });
  }
});
