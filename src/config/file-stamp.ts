import type { BigIntStats } from "node:fs";

/**
 * The same for a file that nobody has written to, wherever it has been moved; the birth time tells one file from another
 * that has got its number.
 */
export function stampOf({ size, mtimeNs, birthtimeNs, ino, dev }: BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs} ${size} ${mtimeNs}`;
}
