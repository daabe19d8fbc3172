import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { metadataJson, modelJson, readyVersions } from "../../src/front-door/model-json.ts";
import { metadata, model, version } from "./views.ts";

const shared = {
  name: "iris",
  platform: "onnxruntime_onnx",
  inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4] }],
  outputs: [{ name: "y", datatype: "FP32", shape: [-1, 3] }],
};

describe("metadataJson", () => {
  it("is what Open Inference asks for, with how rows are batched", () =>
    assert.deepEqual(metadataJson(model(), version()), {
      ...shared,
      versions: ["1"],
      parameters: {
        version: "1",
        state: "ready",
        batching: { type: "batched", max_batch_size: 8, axes: { x: 0, y: 0 } },
      },
    }));

  it("says all that there is to say", () => {
    const batching = { type: "unbatched", reason: "rows mix" } as const;
    const notServable = [{ name: "map", reason: "it is a map" }];
    const one = version({
      version: "2",
      state: "recovering",
      reason: "its host is being restarted",
      metadata: { ...metadata, batching, notServable },
    });
    const iris = model({
      description: "Irises",
      labels: ["setosa"],
      versions: [version(), one],
    });
    assert.deepEqual(metadataJson(iris, one), {
      ...shared,
      versions: ["1"],
      parameters: {
        version: "2",
        state: "recovering",
        reason: "its host is being restarted",
        description: "Irises",
        labels: ["setosa"],
        batching: { type: "unbatched", reason: "rows mix" },
        not_servable: notServable,
      },
    });
  });

  it("keeps to itself what a model remembers, and says so", () => {
    const tensor = (name: string, shape: readonly number[], batchAxis: number | null) =>
      ({ name, datatype: "FP32", shape, batchAxis }) as const;
    const one = version({
      metadata: {
        ...metadata,
        inputs: [tensor("h", [-1, 2], 0), tensor("x", [-1, 4], 0), tensor("c", [3, -1], 1)],
        outputs: [tensor("y", [-1, 3], 0), tensor("cn", [3, -1], 1), tensor("hn", [-1, 2], 0)],
        state: [
          { input: 0, output: 2, found: true },
          { input: 2, output: 1, found: false },
        ],
        stream: { input: 1, window: 4, hop: 2, pad: "zeros" },
      },
    });
    const { inputs, outputs, parameters } = metadataJson(model(), one);
    assert.deepEqual({ inputs, outputs }, { inputs: shared.inputs, outputs: shared.outputs });
    assert.deepEqual(parameters, {
      version: "1",
      state: "ready",
      sequence: {
        state: [
          { input: { name: "h", datatype: "FP32", shape: [-1, 2] }, output: "hn", found: true },
          { input: { name: "c", datatype: "FP32", shape: [3, -1] }, output: "cn", found: false },
        ],
        stream: { input: "x", window: 4, hop: 2, pad: "zeros" },
      },
      batching: {
        type: "batched",
        max_batch_size: 8,
        axes: { h: 0, x: 0, c: 1, y: 0, cn: 1, hn: 0 },
      },
    });
  });

  it("says how a signal is cut where nothing else is remembered", () => {
    const stream = { input: 0, window: 4, hop: 4, pad: "none" } as const;
    const one = version({ metadata: { ...metadata, stream } });
    const { inputs, parameters } = metadataJson(model(), one);
    assert.deepEqual(inputs, shared.inputs);
    assert.deepEqual((parameters as { sequence: unknown }).sequence, {
      state: [],
      stream: { ...stream, input: "x" },
    });
  });

  it("shows states where nothing else comes out", () => {
    const one = version({
      metadata: { ...metadata, state: [{ input: 0, output: 0, found: false }] },
    });
    const { inputs, outputs } = metadataJson(model(), one);
    assert.deepEqual([inputs, outputs], [[], shared.outputs]);
  });

  it("says what stands for an input that is left out", () => {
    const { parameters } = metadataJson(model({ defaults: { sr: 16_000 } }), version());
    assert.deepEqual((parameters as { defaults: unknown }).defaults, { sr: 16_000 });
  });

  it("does not describe a model that has never been loaded", () => {
    const one = version({ state: "loading", reason: "it is being loaded", metadata: null });
    assert.throws(() => metadataJson(model(), one), {
      code: "model-unavailable",
      message: "model 'iris' version '1' is loading: it is being loaded",
    });
  });

  it("is not known of a version that was never loaded", () => {
    const one = version({ state: "unloaded", metadata: null });
    const message = "model 'iris' version '1' is unloaded";
    assert.throws(() => metadataJson(model(), one), { code: "model-unavailable", message });
  });
});

describe("modelJson", () => {
  it("is one line of a list", () => {
    const hosts = [{ hostId: "h", socketPath: "/s" }];
    const versions = [version({ hosts }), version({ version: "2", state: "loading", reason: "l" })];
    assert.deepEqual(modelJson(model({ versions })), {
      name: "iris",
      problem: null,
      versions: [
        { version: "1", state: "ready", reason: null, hosts: 1 },
        { version: "2", state: "loading", reason: "l", hosts: 0 },
      ],
    });
  });

  it("says the problem", () =>
    assert.deepEqual(modelJson(model({ versions: [], problem: "no" })), {
      name: "iris",
      problem: "no",
      versions: [],
    }));
});

describe("readyVersions", () => {
  it("are those that can be asked now", () => {
    const states = ["ready", "loading", "ready", "unavailable", "recovering"] as const;
    const versions = states.map((state, at) => version({ version: `${at}`, state }));
    assert.deepEqual(readyVersions(model({ versions })), ["0", "2"]);
  });
});
