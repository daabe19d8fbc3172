import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Image, type ImageOptions, imageTensor, resized } from "../../src/cli/image-tensor.ts";

/** Two pixels, red and white, one beside the other. */
const image: Image = { width: 2, height: 1, rgb: new Float32Array([1, 0, 0, 1, 1, 1]) };
const usual: ImageOptions = { white: undefined, isInverted: false };

function tensor(shape: readonly number[], datatype = "FP32", options: ImageOptions = usual) {
  const made = imageTensor(image, { name: "x", datatype, shape }, options);
  assert.ok(typeof made !== "string", String(made));
  return { shape: made.shape, data: made.data.map((value) => Number(value.toFixed(3))) };
}

describe("imageTensor", () => {
  for (const [what, shape, expected] of [
    ["channels first", [-1, 3, 1, 2], { shape: [1, 3, 1, 2], data: [1, 1, 0, 1, 0, 1] }],
    [
      "channels last, as large as it is wanted",
      [-1, 2, 2, 3],
      { shape: [1, 2, 2, 3], data: [1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1] },
    ],
    ["grey, channels first", [-1, 1, 1, 2], { shape: [1, 1, 1, 2], data: [0.299, 1] }],
    ["grey, without channels", [-1, 1, 2], { shape: [1, 1, 2], data: [0.299, 1] }],
    [
      "free sizes, which are the image's own",
      [-1, 3, -1, -1],
      {
        shape: [1, 3, 1, 2],
        data: [1, 1, 0, 1, 0, 1],
      },
    ],
    ["one image without a batch", [3, 1, 2], { shape: [3, 1, 2], data: [1, 1, 0, 1, 0, 1] }],
  ] as const) {
    it(`makes ${what}`, () => assert.deepEqual(tensor(shape), expected));
  }

  it("makes rows of pixels of a square side", () => {
    const { shape, data } = tensor([-1, 64]);
    assert.deepEqual([shape, data.length, data[0], data[63]], [[1, 64], 64, 0.299, 1]);
  });

  it("counts integers up to 255, and what is asked up to what is asked", () => {
    assert.deepEqual(tensor([-1, 1, 1, 2], "UINT8").data, [76, 255]);
    assert.deepEqual(tensor([-1, 1, 1, 2], "FP32", { ...usual, white: 2 }).data, [0.598, 2]);
  });

  it("turns dark into bright where it is told to", () => {
    assert.deepEqual(
      tensor([-1, 1, 1, 2], "FP32", { ...usual, isInverted: true }).data,
      [0.701, 0],
    );
  });

  for (const [datatype, shape, message] of [
    ["BYTES", [-1, 1, 2, 2], /takes BYTES, no pixels/],
    ["FP32", [-1, 4], /of shape \[-1,4\] is no image/],
    ["FP32", [-1, 5, 2, 2], /is no image/],
    ["FP32", [-1], /is no image/],
  ] as const) {
    it(`says why ${datatype}[${shape}] takes no image`, () => {
      assert.match(String(imageTensor(image, { name: "x", datatype, shape }, usual)), message);
    });
  }
});

describe("resized", () => {
  it("gives each new pixel the mean of what it covers", () => {
    const rgb = Float32Array.from({ length: 12 }, (_, at) => Math.floor(at / 3));
    const small = resized({ width: 4, height: 1, rgb }, 2, 1);
    assert.deepEqual([...small.rgb], [0.5, 0.5, 0.5, 2.5, 2.5, 2.5]);
  });

  it("keeps an image of one colour as it is, at any size", () => {
    const rgb = new Float32Array(5 * 7 * 3).fill(0.25);
    const { rgb: values } = resized({ width: 5, height: 7, rgb }, 3, 4);
    assert.ok(values.every((value) => Math.abs(value - 0.25) < 1e-6));
  });
});
