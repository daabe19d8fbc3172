/* Writes one file of an upload to the disk as it comes, and knows its digest at the end. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { TroupeError } from "../protocol/errors.ts";

export interface StoredFile {
  readonly bytes: number;
  /** SHA-256, in hexadecimal. */
  readonly digest: string;
}

/** Never through a link, and never over what is there. */
const flags = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY;
const ownerOnly = 0o600;

/** On the disk, not only in its cache, when it resolves. Rejects with `storage-full` where there is no room. */
export async function storeFile(
  path: string,
  content: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): Promise<StoredFile> {
  try {
    const handle = await open(path, flags, ownerOnly);
    try {
      return await fill(handle, content, onBytes);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    throw translate(thrown);
  }
}

async function fill(
  handle: FileHandle,
  content: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): Promise<StoredFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of content) {
    hash.update(chunk);
    await writeWhole(handle, chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  await handle.sync();
  return { bytes, digest: hash.digest("hex") };
}

/** One write may take less than it is given. */
async function writeWhole(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, at);
    at += bytesWritten;
  }
}

export function translate(thrown: unknown): unknown {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (code !== "ENOSPC" && code !== "EDQUOT") return thrown;
  const words = "Cannot store the upload: the disk has no room for it";
  return new TroupeError("storage-full", words, { cause: thrown });
}
