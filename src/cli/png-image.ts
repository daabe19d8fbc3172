/* pngjs's one home: a file becomes pixels. */
import { PNG } from "pngjs";
import { UsageError } from "./exit-codes.ts";
import type { Image } from "./image-tensor.ts";

/** More than any model takes, and less than would fill the memory. */
const maxPixels = 64_000_000;

/** Where it is transparent it lies on white. Throws UsageError. */
export function readPng(bytes: Uint8Array, name: string): Image {
  const { width, height, data } = decode(Buffer.from(bytes), name);
  const rgb = new Float32Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const alpha = (data[pixel * 4 + 3] ?? 255) / 255;
    for (let channel = 0; channel < 3; channel += 1) {
      const value = (data[pixel * 4 + channel] ?? 0) / 255;
      rgb[pixel * 3 + channel] = value * alpha + 1 - alpha;
    }
  }
  return { width, height, rgb };
}

function decode(bytes: Buffer, name: string): PNG {
  // The size stands in the first chunk, at fixed places (https://www.w3.org/TR/png-3/#11IHDR).
  const pixels = bytes.length < 24 ? 0 : bytes.readUInt32BE(16) * bytes.readUInt32BE(20);
  if (pixels > maxPixels) {
    throw new UsageError(`${name} must have at most ${maxPixels} pixels, got ${pixels}`);
  }
  try {
    return PNG.sync.read(bytes);
  } catch (thrown) {
    throw new UsageError(`${name} is no PNG that can be read: ${String(thrown)}`);
  }
}
