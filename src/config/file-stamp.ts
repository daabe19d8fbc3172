import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";

/**
 * The same for a file that nobody has written to, wherever it has been moved; the birth time tells one file from another
 * that has got its number.
 */
export function stampOf({ size, mtimeNs, birthtimeNs, ino, dev }: BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs} ${size} ${mtimeNs}`;
}

/** Undefined where the file is gone by now. */
export async function stampAt(path: string): Promise<string | undefined> {
  try {
    return stampOf(await lstat(path, { bigint: true }));
  } catch {
    return undefined;
  }
}
