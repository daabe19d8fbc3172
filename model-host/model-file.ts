/* Reads a model and the weights beside it: regular files under their own names, and nothing else. */
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { MessageChannel } from "node:worker_threads";
import type { NamedFile } from "../src/protocol/control.ts";
import { scanExternalData } from "./external-data.ts";

export interface ModelFiles {
  /** Another as soon as any of the files is written anew, or stands for another one. */
  readonly stamp: string;
  readonly model: Buffer;
  /** In the form in which ONNX Runtime takes them. */
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Throws where the model keeps data in what is no regular file of `beside`. */
export async function readModelFiles(
  file: string,
  beside: readonly NamedFile[],
): Promise<ModelFiles> {
  const { data: model, stamp } = await readRegular(file, "the model");
  const stamps = [stamp];
  const externalData: { path: string; data: Uint8Array }[] = [];
  // What cannot be scanned is not read either: ONNX Runtime then says what is wrong with it.
  for (const path of scanExternalData(model) ?? []) {
    const read = await readRegular(fileOf(path, beside), `'${path}'`);
    externalData.push({ path, data: read.data });
    stamps.push(read.stamp);
  }
  return { model, externalData, stamp: stamps.join(" ") };
}

function fileOf(location: string, beside: readonly NamedFile[]): string {
  const words = `the model keeps data in '${shown(location)}'`;
  if (!isPlainName(location)) throw new Error(`${words}, and only files beside it are read`);
  const found = beside.find(({ name }) => name === location);
  if (found === undefined) throw new Error(`${words}, which is not beside it`);
  return found.file;
}

function isPlainName(location: string): boolean {
  return !["", ".", ".."].includes(location) && !/[/\\\0]/.test(location);
}

const longestShown = 100;

function shown(location: string): string {
  return location.replace(/\p{C}/gu, "?").slice(0, longestShown);
}

/** Opens no link, and does not wait for the other end of a pipe; `words` say which file it is. */
export async function openRegular(file: string, words: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((thrown: unknown) => {
    throw new Error(`${words} cannot be opened: ${reasonOf(thrown)}`, { cause: thrown });
  });
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new Error(`${words} is no regular file`);
}

const reasons: ReadonlyMap<unknown, string> = new Map([
  ["ELOOP", "it is a symbolic link"],
  ["ENOENT", "it is gone"],
  ["ENOTDIR", "it is gone"],
  ["EACCES", "permission denied"],
]);

function reasonOf(thrown: unknown): string {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return reasons.get(code) ?? String(code);
}

/** Gives the memory of a file that was read back soon: a message that nobody takes is dropped with what it holds. */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  // Small ones may share their memory with others.
  if (buffer.byteLength !== byteLength || !(buffer instanceof ArrayBuffer)) return;
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.postMessage(null, [buffer]);
  port1.close();
}

interface StampedFile {
  readonly data: Buffer;
  readonly stamp: string;
}

async function readRegular(file: string, words: string): Promise<StampedFile> {
  const handle = await openRegular(file, words);
  try {
    // Before it is read: what is written meanwhile has a later time. Nobody can set that of the change (`ctime`) back.
    // Linux before 6.13 knows it to some milliseconds only: so long the same length may hide that it was written again.
    const stamp = stampOf(await handle.stat({ bigint: true }));
    return { data: await handle.readFile(), stamp };
  } finally {
    await handle.close();
  }
}

/** Nobody can set the time of the change (`ctime`) back. */
function stampOf({ dev, ino, size, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, ctimeNs].join("-");
}

/** The stamp of what would be read now, where the model keeps data in the same files; undefined where one is gone. */
export async function currentStamp(
  file: string,
  beside: readonly NamedFile[],
  externalFiles: readonly string[],
): Promise<string | undefined> {
  try {
    const files = [file, ...externalFiles.map((name) => fileOf(name, beside))];
    const stats = await Promise.all(files.map((path) => lstat(path, { bigint: true })));
    return stats.map(stampOf).join(" ");
  } catch {
    return undefined;
  }
}
