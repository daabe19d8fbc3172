import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PNG } from "pngjs";
import { UsageError } from "../../src/cli/exit-codes.ts";
import { readPng } from "../../src/cli/png-image.ts";

function png(...pixels: readonly (readonly number[])[]): Buffer {
  const image = new PNG({ width: pixels.length, height: 1 });
  image.data = Buffer.from(pixels.flat());
  return PNG.sync.write(image);
}

describe("readPng", () => {
  it("gives pixels from 0 to 1", () => {
    const { width, height, rgb } = readPng(png([255, 0, 0, 255], [0, 0, 255, 255]), "a.png");
    assert.deepEqual([width, height, [...rgb]], [2, 1, [1, 0, 0, 0, 0, 1]]);
  });

  it("lays what is transparent on white", () => {
    assert.deepEqual([...readPng(png([0, 0, 0, 0]), "a.png").rgb], [1, 1, 1]);
  });

  it("refuses what is damaged, naming it", () => {
    const cut = png([1, 2, 3, 255]).subarray(0, 40);
    assert.throws(
      () => readPng(cut, "a.png"),
      (thrown) => {
        assert.ok(thrown instanceof UsageError);
        assert.match(thrown.message, /^a\.png is no PNG that can be read/);
        return true;
      },
    );
  });

  it("does not begin an image that would fill the memory", () => {
    const huge = png([1, 2, 3, 255]);
    huge.writeUInt32BE(100_000, 16);
    huge.writeUInt32BE(100_000, 20);
    assert.throws(() => readPng(huge, "a.png"), /at most 64000000 pixels, got 10000000000/);
  });
});
