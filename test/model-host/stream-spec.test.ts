import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveStream } from "../../model-host/stream-spec.ts";
import type { Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { StreamSettings } from "../../src/protocol/model-settings.ts";

function spec(
  shape: readonly number[],
  batchAxis: number | null = 0,
  datatype: Datatype = "FP32",
): TensorSpec {
  return { name: "x", datatype, shape, batchAxis };
}

const settings: StreamSettings = { input: "x", window: 576, hop: 512, pad: "zeros" };

describe("resolveStream", () => {
  const fitting: readonly (readonly [string, TensorSpec])[] = [
    ["whose length is free", spec([-1, -1])],
    ["whose length is the window's", spec([-1, 576])],
    ["that is not batched", spec([1, 576], null)],
    ["of samples only", spec([-1], null)],
    ["of samples only, as many as the window has", spec([576], null)],
    ["with one channel", spec([-1, 1, -1])],
    ["with any number of channels", spec([-1, -1, -1])],
    ["whose rows are not in front", spec([1, -1, 576], 1)],
    ["whose batch is fixed at one", spec([1, 576])],
    ["of FP64", spec([-1, -1], 0, "FP64")],
    ["of INT16", spec([-1, -1], 0, "INT16")],
    ["of INT32", spec([-1, -1], 0, "INT32")],
  ];
  for (const [name, one] of fitting) {
    it(`takes an input ${name}`, () =>
      assert.deepEqual(resolveStream(settings, [one], []), {
        input: 0,
        window: 576,
        hop: 512,
        pad: "zeros",
      }));
  }

  const shape = (text: string) =>
    `stream.window of 576 does not fit input 'x', whose shape is [${text}]`;
  const datatype = (name: string) =>
    `stream.input must be of one of FP32, FP64, INT16, INT32, but 'x' is ${name}`;
  const unfitting: readonly (readonly [string, TensorSpec, string])[] = [
    ["of another length", spec([-1, 512]), shape("-1,512")],
    ["of several channels", spec([-1, 2, -1]), shape("-1,2,-1")],
    ["without axes", spec([], null), shape("")],
    ["whose rows stand where samples would", spec([-1]), shape("-1")],
    ["whose rows come last", spec([1, -1], 1), shape("1,-1")],
    ["of texts", spec([-1, -1], 0, "BYTES"), datatype("BYTES")],
    ["of half floats", spec([-1, -1], 0, "FP16"), datatype("FP16")],
    ["of big integers", spec([-1, -1], 0, "INT64"), datatype("INT64")],
  ];
  for (const [name, one, message] of unfitting) {
    it(`refuses an input ${name}`, () =>
      assert.throws(() => resolveStream(settings, [one], []), { code: "invalid-model", message }));
  }

  const inputs = ["h", "x", "rate"].map((name) => ({ ...spec([-1, 576]), name }));
  const state = [{ input: 0, output: 1, found: true }];

  it("finds the input by its name", () =>
    assert.equal(resolveStream(settings, inputs, state).input, 1));

  for (const [name, input] of [
    ["an input that the model does not have", "y"],
    ["a state", "h"],
  ] as const) {
    it(`refuses ${name}, and says which inputs there are`, () =>
      assert.throws(() => resolveStream({ ...settings, input }, inputs, state), {
        code: "invalid-model",
        message: `stream.input must be one of 'x', 'rate', got '${input}'`,
      }));
  }
});
