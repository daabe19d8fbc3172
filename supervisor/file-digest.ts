// Owns the reading of whole model files for their digests: one at a time, and none twice.

import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import PQueue from "p-queue";

const chunkBytes = 1_048_576;

interface Known {
  readonly stamp: string;
  readonly digest: string;
}

export class Digests {
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #known = new Map<string, Known>();

  /** SHA-256 in hexadecimal; a file that looks the same as before is not read again. */
  of(file: string): Promise<string> {
    return this.#queue.add(() => this.#read(file));
  }

  async #read(file: string): Promise<string> {
    const handle = await open(file, "r");
    try {
      const stamp = stampOf(await handle.stat());
      const known = this.#known.get(file);
      if (known?.stamp === stamp) return known.digest;
      const digest = await digestOf(handle);
      // A file that was written to meanwhile has a digest of neither content.
      if (stampOf(await handle.stat()) === stamp) this.#known.set(file, { stamp, digest });
      return digest;
    } finally {
      await handle.close();
    }
  }
}

function stampOf({ size, mtimeMs, ino }: Stats): string {
  return `${size} ${mtimeMs} ${ino}`;
}

async function digestOf(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const stream = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkBytes });
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}
