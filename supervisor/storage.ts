/* How files are made to last: what is on the disk when a promise resolves, and what it means when that fails. */
import { constants, type FileHandle, lstat, open } from "node:fs/promises";
import { type ErrorCode, TroupeError } from "../src/protocol/errors.ts";

type Meaning = readonly [ErrorCode, string];
const full: Meaning = ["storage-full", "the disk is full"];
const forbidden: Meaning = ["forbidden", "the models folder cannot be written"];

const meanings: ReadonlyMap<string | undefined, Meaning> = new Map([
  ["ENOSPC", full],
  ["EDQUOT", full],
  ["EROFS", forbidden],
  ["EACCES", forbidden],
  ["EPERM", forbidden],
]);

/** What to throw instead: the same where it is no failure of the disk. */
export function storageFailure(thrown: unknown): unknown {
  const meaning = meanings.get(errorCodeOf(thrown));
  if (meaning === undefined) return thrown;
  const [code, words] = meaning;
  return new TroupeError(code, `Cannot store: ${words}`, { cause: thrown });
}

export async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storageFailure(thrown);
  }
}

/** Such as ENOENT. */
export function errorCodeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

export type Kind = "none" | "file" | "folder" | "link" | "other";

/** What is at a path, links not followed. */
export async function kindOf(path: string): Promise<Kind> {
  try {
    const found = await lstat(path);
    if (found.isFile()) return "file";
    if (found.isDirectory()) return "folder";
    return found.isSymbolicLink() ? "link" : "other";
  } catch (thrown) {
    if (errorCodeOf(thrown) === "ENOENT") return "none";
    throw thrown;
  }
}

/** The names in a folder last only when the folder itself has been written. */
export function syncFolder(path: string): Promise<void> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  return opened(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, (handle) => handle.sync());
}

export function syncFile(path: string): Promise<void> {
  const { O_RDONLY, O_NOFOLLOW } = constants;
  return opened(path, O_RDONLY | O_NOFOLLOW, (handle) => handle.sync());
}

/** The whole file, in place of one that may be left of an earlier attempt. */
export function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  return opened(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, async (handle) => {
    await handle.writeFile(content);
    await handle.sync();
  });
}

export async function opened<T>(
  path: string,
  flags: number,
  use: (handle: FileHandle) => Promise<T>,
  mode?: number,
): Promise<T> {
  const handle = await open(path, flags, mode);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
