import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { imageModel, perceptron, repeated } from "../../bench/made-models.ts";
import { tensorValues } from "../../bench/tensor-request.ts";

async function run(model: Uint8Array, shape: readonly number[]): Promise<Tensor> {
  const session = await InferenceSession.create(model);
  const count = shape.reduce((product, size) => product * size, 1);
  const { y } = await session.run({ x: new Tensor("float32", tensorValues(count), shape) });
  assert.ok(y !== undefined);
  return y;
}

/** Answers that are all alike would agree whatever a server does. */
function assertTelling({ data, dims }: Tensor): void {
  const scores = Array.from(data as Float32Array);
  const [rows = 1] = dims;
  assert.ok(Math.abs(scores.reduce((sum, score) => sum + score, 0) - rows) < 1e-4);
  assert.ok(new Set(scores.map((score) => score.toFixed(4))).size > 2, `${scores.slice(0, 10)}`);
}

describe("made models", () => {
  it("perceptron takes rows, and gives scores that differ", async () => {
    const y = await run(perceptron([20, 40, 10]), [3, 20]);
    assert.deepEqual(y.dims, [3, 10]);
    assertTelling(y);
  });

  it("image takes pictures, and gives scores that differ", async () => {
    const y = await run(imageModel(), [2, 3, 240, 320]);
    assert.deepEqual(y.dims, [2, 10]);
    assertTelling(y);
  });

  it("repeated keeps its shape, and gives scores that differ", async () => {
    const y = await run(repeated(16, 3), [2, 16]);
    assert.deepEqual(y.dims, [2, 16]);
    assertTelling(y);
  });
});
