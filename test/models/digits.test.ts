import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { drawDigit } from "../../models/digits/draw.ts";
import { drawHeldOut } from "../../models/digits/images.ts";
import { makeDigits } from "../../models/digits/make.ts";
import { seededRandom } from "../../models/random.ts";
import { indexOfLargest } from "../../models/softmax.ts";
import { runModel, tensor } from "./runtime.ts";

function read(name: string): Buffer {
  return readFileSync(new URL(`../../models/digits/${name}`, import.meta.url));
}

async function recognise(images: readonly ArrayLike<number>[]): Promise<number[][]> {
  const pixels = Float32Array.from(images.flatMap((image) => Array.from(image)));
  const { probabilities } = await runModel(read("model.onnx"), {
    image: tensor("float32", pixels, [images.length, 1, 28, 28]),
  });
  assert.deepEqual(probabilities?.dims, [images.length, 10]);
  const values = probabilities?.values as number[];
  return images.map((_, row) => values.slice(row * 10, row * 10 + 10));
}

describe("drawDigit", () => {
  it("draws 28 × 28 pixels between paper and ink", () => {
    const image = drawDigit(8, seededRandom(1));
    assert.equal(image.length, 28 * 28);
    assert.ok(image.every((pixel) => pixel >= 0 && pixel <= 1));
    assert.ok(image.some((pixel) => pixel > 0.5));
  });

  it("draws the same image for the same seed, and another for another", () => {
    const image = drawDigit(5, seededRandom(1));
    assert.deepEqual(drawDigit(5, seededRandom(1)), image);
    assert.notDeepEqual(drawDigit(5, seededRandom(2)), image);
  });
});

describe("the digits model", () => {
  const made = makeDigits();

  it("is rebuilt to the committed bytes", () => {
    assert.ok(read("model.onnx").equals(made.bytes));
  });

  it("has the accuracy that its README states", () => {
    const percent = ((100 * made.correct) / made.heldOut).toFixed(1);
    const sentence = `Right for ${made.correct} of ${made.heldOut} held-out images (${percent} %)`;
    assert.ok(read("README.md").toString().includes(sentence), sentence);
  });

  it("reaches that accuracy in ONNX Runtime, with probabilities", async () => {
    const heldOut = drawHeldOut();
    const answers = await recognise(heldOut.map(({ image }) => image));
    const correct = heldOut.filter(
      ({ digit }, row) => indexOfLargest(answers[row] ?? []) === digit,
    );
    assert.equal(correct.length, made.correct);
    const sums = answers.map((row) => row.reduce((sum, value) => sum + value, 0));
    assert.ok(sums.every((sum) => Math.abs(sum - 1) < 1e-5));
  });

  it("reads the sample image of its README", async () => {
    const [answer = []] = await recognise([drawDigit(3, seededRandom(42))]);
    assert.equal(indexOfLargest(answer), 3);
  });
});
