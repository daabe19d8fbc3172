import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  allocModel,
  batchMixingModel,
  brokenModel,
  constantOutputModel,
  echoModel,
  fixedBatchModel,
  gatherModel,
  nanModel,
} from "../../models/odd-models.ts";
import { openModel, runModel, tensor } from "./runtime.ts";

function rows(values: readonly number[], width: number) {
  return tensor("float32", Float32Array.from(values), [values.length / width, width]);
}

function integers(values: readonly number[]) {
  return tensor("int64", BigInt64Array.from(values, BigInt), [values.length]);
}

describe("echoModel", () => {
  it("gives back what it got", async () => {
    const { y } = await runModel(echoModel(), { x: rows([1, 2, 3, 4, 5, 6, 7, 8], 4) });
    assert.deepEqual(y, { dims: [2, 4], values: [1, 2, 3, 4, 5, 6, 7, 8] });
  });
});

describe("fixedBatchModel", () => {
  it("adds pairs", async () => {
    const { y } = await runModel(fixedBatchModel(), { x: rows([1, 2, 3, 4], 4) });
    assert.deepEqual(y, { dims: [1, 2], values: [3, 7] });
  });

  it("takes one row only", async () => {
    const two = { x: rows([1, 2, 3, 4, 5, 6, 7, 8], 4) };
    await assert.rejects(runModel(fixedBatchModel(), two), /dimensions/);
  });
});

describe("gatherModel", () => {
  it("looks rows up", async () => {
    const { y } = await runModel(gatherModel(), { index: integers([3, -1]) });
    assert.deepEqual(y, { dims: [2, 2], values: [3, 9, 9, 81] });
  });

  it("makes ONNX Runtime throw while running when there is no such row", async () => {
    await assert.rejects(runModel(gatherModel(), { index: integers([99]) }), /running Gather/);
  });
});

describe("allocModel", () => {
  it("gives as many zeros as asked for", async () => {
    const { y } = await runModel(allocModel(), { shape: integers([2, 3]) });
    assert.deepEqual(y, { dims: [2, 3], values: [0, 0, 0, 0, 0, 0] });
  });

  it("makes ONNX Runtime throw when there cannot be as much memory", async () => {
    const terabytes = { shape: integers([1e9, 1e6]) };
    await assert.rejects(runModel(allocModel(), terabytes), /allocate memory/);
  });
});

describe("nanModel", () => {
  it("gives NaN and infinities, and numbers where there are any", async () => {
    const { log, inverse } = await runModel(nanModel(), { x: rows([-1, 0, 1], 1) });
    assert.deepEqual(log, { dims: [3, 1], values: [Number.NaN, Number.NEGATIVE_INFINITY, 0] });
    assert.deepEqual(inverse, { dims: [3, 1], values: [-1, Number.POSITIVE_INFINITY, 1] });
  });
});

describe("constantOutputModel", () => {
  it("gives four sums whatever the batch", async () => {
    const one = await runModel(constantOutputModel(), { x: rows([1, 2, 3, 4], 4) });
    const two = await runModel(constantOutputModel(), { x: rows([1, 2, 3, 4, 5, 6, 7, 8], 4) });
    assert.deepEqual(one["sums"], { dims: [4], values: [1, 2, 3, 4] });
    assert.deepEqual(two["sums"], { dims: [4], values: [6, 8, 10, 12] });
  });
});

describe("batchMixingModel", () => {
  it("answers a row otherwise when another is beside it", async () => {
    const alone = await runModel(batchMixingModel(), { x: rows([1, 2, 3, 4], 4) });
    const beside = await runModel(batchMixingModel(), { x: rows([1, 2, 3, 4, 3, 2, 1, 0], 4) });
    assert.deepEqual(alone["y"], { dims: [1, 4], values: [0, 0, 0, 0] });
    assert.deepEqual(beside["y"], { dims: [2, 4], values: [-1, 0, 1, 2, 1, 0, -1, -2] });
  });
});

describe("brokenModel", () => {
  it("cannot be loaded", async () => {
    await assert.rejects(openModel(brokenModel()), /protobuf|load/i);
  });
});
