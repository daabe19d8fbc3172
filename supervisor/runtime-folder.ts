/* The private folder of the running server: its sockets, and the empty folder that children start in. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const prefix = "troupe-";
/** Linux allows 107 bytes for a socket's path; the name inside the folder takes up to 24. */
const maxFolderLength = 80;

export interface RuntimeFolder {
  readonly path: string;
  readonly emptyFolder: string;
  remove(): void;
}

export function createRuntimeFolder(): RuntimeFolder {
  const base = tmpdir().length + prefix.length + 16 > maxFolderLength ? "/tmp" : tmpdir();
  sweep(base);
  const path = mkdtempSync(join(base, `${prefix}${process.pid}-`));
  const emptyFolder = join(path, "empty");
  mkdirSync(emptyFolder, { mode: 0o500 });
  return { path, emptyFolder, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What a server left that was killed: its folder names its process. */
function sweep(base: string): void {
  for (const name of readdirSync(base)) {
    const pid = ownerOf(name);
    if (pid === undefined || isAlive(pid)) continue;
    try {
      rmSync(join(base, name), { recursive: true, force: true });
    } catch {
      // Another user's: it is theirs to sweep.
    }
  }
}

function ownerOf(name: string): number | undefined {
  const match = /^troupe-(\d+)-\w{6}$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** A folder with our own number is older than we are: containers count from 1 each time. */
export function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
