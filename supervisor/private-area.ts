// Owns this server's own folder inside the models folder, from which finished things are renamed into their place.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { TroupeError } from "../src/protocol/errors.ts";
import { processStart } from "./process-start.ts";
import { errorCodeOf, kindOf, syncFolder } from "./storage.ts";

const corners = ["uploads", "staging", "trash"] as const;
type Corner = (typeof corners)[number];

export class PrivateArea {
  readonly #parents: readonly [string, string];
  readonly #name = `${process.pid}-${processStart(process.pid) ?? 0}-${randomName()}`;
  #made: Promise<void> | undefined;

  /** Nothing is created before it is needed. */
  constructor(modelsFolder: string) {
    const troupe = join(modelsFolder, ".troupe");
    this.#parents = [troupe, join(troupe, "work")];
  }

  /** Where something of that name has its place; its parent is there. */
  async pathOf(corner: Corner, name = randomName()): Promise<string> {
    await this.#needed();
    return join(this.#path, corner, name);
  }

  /**
   * Shows others that this server is there, and gives the processes of those that were before it: of two that begin at
   * once at least one sees the other. Servers that do not see each other's processes do not see each other.
   */
  async claim(): Promise<readonly number[]> {
    await this.#needed();
    return (await this.#neighbours()).filter(isLiving).map(ownerOf);
  }

  /** Gone at once as a whole, whatever it holds; what cannot be removed in full is swept later. */
  async discard(path: string): Promise<void> {
    const trash = await this.pathOf("trash");
    await rename(path, trash);
    await syncFolder(dirname(path));
    await rm(trash, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Removes what servers left that were killed: the folder names its process. Gives how many uploads were in it. */
  async sweep(): Promise<number> {
    let uploads = 0;
    for (const name of (await this.#neighbours()).filter((one) => !isLiving(one))) {
      const path = join(this.#parents[1], name);
      uploads += (await readdir(join(path, "uploads")).catch(() => [])).length;
      // Not ours to remove, or not writable: it is in nobody's way.
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
    return uploads;
  }

  /** What nobody will finish any more; the folders around it too where they hold nothing else. */
  async remove(): Promise<void> {
    if (this.#made === undefined) return;
    await rm(this.#path, { recursive: true, force: true });
    for (const path of this.#parents.toReversed()) await rmdir(path).catch(() => undefined);
  }

  get #path(): string {
    return join(this.#parents[1], this.#name);
  }

  async #needed(): Promise<void> {
    this.#made ??= this.#make();
    try {
      await this.#made;
    } catch (thrown) {
      this.#made = undefined;
      throw thrown;
    }
  }

  async #make(): Promise<void> {
    for (const path of this.#parents) await makeFolder(path);
    await mkdir(this.#path, { mode: 0o700, recursive: true });
    for (const corner of corners) await makeFolder(join(this.#path, corner));
  }

  async #neighbours(): Promise<string[]> {
    for (const path of this.#parents) if ((await kindOf(path)) !== "folder") return [];
    const names = await readdir(this.#parents[1]);
    return names.filter((name) => name !== this.#name && namePattern.test(name));
  }
}

/** The process, its start, and a random end. */
const namePattern = /^(\d+)-(?:(\d+)-)?[0-9a-f]{6}$/;

function ownerOf(name: string): number {
  return Number(namePattern.exec(name)?.[1]);
}

/** A folder with our own number is older than we are: containers count from 1 each time. */
function isLiving(name: string): boolean {
  const [, pid, start = "0"] = namePattern.exec(name) ?? [];
  if (pid === undefined || Number(pid) === process.pid) return false;
  const found = processStart(Number(pid));
  return found !== undefined && (start === "0" || found === "0" || found === start);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (thrown) {
    if (errorCodeOf(thrown) !== "EEXIST") throw thrown;
    // A link would lead what is written to somewhere else.
    if ((await kindOf(path)) === "folder") return;
    throw new TroupeError("conflict", "Cannot store: .troupe holds something that is not Troupe's");
  }
}

function randomName(): string {
  return randomBytes(3).toString("hex");
}
