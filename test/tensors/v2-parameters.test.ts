import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { readParameters } from "../../src/tensors/v2-parameters.ts";

const model: ServedModel = {
  name: "m",
  version: "1",
  labels: [],
  metadata: {
    inputs: [],
    outputs: [],
    batching: { type: "unbatched", reason: "" },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  },
  standIns: [],
};

const unsaid = { wantsBinary: false, timing: {} };

describe("readParameters", () => {
  for (const [parameters, expected] of [
    [{}, unsaid],
    [{ note: "a", flag: true, share: 0.5 }, unsaid],
    [{ timeout: 0, priority: 0 }, unsaid],
    [{ sequence_id: 0, sequence_start: false, sequence_end: false }, unsaid],
    [{ sequence_id: "" }, unsaid],
    [{ binary_data_output: true }, { ...unsaid, wantsBinary: true }],
    [{ timeout: 1_500 }, { ...unsaid, timing: { timeoutMs: 1.5 } }],
    [{ priority: 1 }, { ...unsaid, timing: { priority: "normal" } }],
    [{ priority: 2 }, { ...unsaid, timing: { priority: "low" } }],
    [{ priority: 2 ** 40 }, { ...unsaid, timing: { priority: "low" } }],
  ] as const) {
    it(`reads ${JSON.stringify(parameters)}`, () =>
      assert.deepEqual(readParameters(parameters, model), expected));
  }

  for (const [parameters, message] of [
    [{ timeout: -1 }, "Cannot read parameter 'timeout': expected an integer of at least 0, got -1"],
    [
      { timeout: "5" },
      "Cannot read parameter 'timeout': expected an integer of at least 0, got \"5\"",
    ],
    [
      { priority: 0.5 },
      "Cannot read parameter 'priority': expected an integer of at least 0, got 0.5",
    ],
    [
      { binary_data_output: 1 },
      "Cannot read 'parameters': expected 'binary_data_output' to be true or false, got 1",
    ],
    [
      { sequence_id: 0, sequence_start: true },
      "Cannot read parameter 'sequence_start': model 'm' keeps no state between requests",
    ],
    [
      { triton_x: 1 },
      "Cannot read parameter 'triton_x': parameter keys starting with 'triton_' are reserved",
    ],
    [
      { a: [] },
      "Cannot read parameter 'a': expected a string, a number, true or false, got a list of 0",
    ],
    [
      { sequence_id: 1 },
      "Cannot read parameter 'sequence_id': model 'm' keeps no state between requests",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(parameters)}`, () =>
      assert.throws(() => readParameters(parameters, model), { code: "invalid-request", message }));
  }
});
