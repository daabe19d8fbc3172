// Owns the file in which the decisions about models outlive the server. How a line looks, and what counts of a damaged
// file, is told in journal-text.ts, what an entry says in journal-facts.ts; what is to be done about it is the caller's.
import { constants, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import PQueue from "p-queue";
import { systemClock } from "../src/platform/clock.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { JournalEntry } from "./journal-entry.ts";
import { entriesOf, type Facts, isDecided, withEntry } from "./journal-facts.ts";
import { type JournalText, lineOf, readJournal } from "./journal-text.ts";
import { errorCodeOf, kindOf, opened, storing, syncFolder, writeWhole } from "./storage.ts";

const fileName = "journal";
const newFileName = "journal.new";
/** A journal of more lines is rewritten, where that makes it shorter by half. */
const mostLines = 1_000;
/** So that a disk which damages it again and again is not filled with it. */
const keptCopies = 3;

/** What must be done before the next entry can be written; nothing where the file has another size by now. */
type Repair =
  | { readonly type: "none" }
  | { readonly type: "truncate"; readonly wholeBytes: number; readonly fileBytes: number }
  /** Only the whole lines stay; a copy of all is kept under that name. */
  | {
      readonly type: "salvage";
      readonly bytes: Buffer;
      readonly whole: readonly Buffer[];
      readonly copy: string;
    };

/** What the file was like when it was opened. */
export type Condition = Pick<JournalText, "tornBytes" | "damage">;

export class Journal {
  readonly #folder: string;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly condition: Condition;
  #repair: Repair;
  #facts: Facts;
  #lines: number;
  #owner: number | undefined;

  private constructor(folder: string, text: JournalText, repair: Repair) {
    this.#folder = folder;
    this.condition = { tornBytes: text.tornBytes, damage: text.damage };
    this.#facts = text.facts;
    this.#lines = text.lines;
    this.#repair = repair;
  }

  /**
   * Only reads: a models folder that cannot be written has no journal, or an old one. Throws TroupeError where there is
   * one that cannot be read: to go on would undo, without a word, what somebody has decided.
   */
  static async open(folder: string, now = () => systemClock.wall()): Promise<Journal> {
    const bytes = await readBytes(folder);
    const text = readJournal(bytes);
    return new Journal(folder, text, judgeRepair(text, bytes, now));
  }

  /** What all entries say that are on the disk. */
  get facts(): Facts {
    return this.#facts;
  }

  /** Nothing is written any more: what another server decides, this one does not hear of. */
  leaveTo(pid: number): void {
    this.#owner = pid;
  }

  /** Throws `conflict` where another server has the models folder. */
  checkOurs(): void {
    const words = this.refusal;
    if (words !== null) throw new TroupeError("conflict", `Cannot change models: ${words}`);
  }

  /** Why this server may not decide; null where it may. */
  get refusal(): string | null {
    if (this.#owner === undefined) return null;
    return `another server (process ${this.#owner}) had the models folder when this one began`;
  }

  /** Whether this server may decide. */
  get isOurs(): boolean {
    return this.#owner === undefined;
  }

  /** Holds until this server ends, where it cannot be written. */
  suppose(entry: JournalEntry): void {
    this.#facts = withEntry(this.#facts, entry);
  }

  /** Resolves when the entry is on the disk, in the order of the calls; throws TroupeError where it cannot be. */
  append(entry: JournalEntry): Promise<void> {
    return this.#queue.add(() => storing(() => this.#append(entry)));
  }

  /** Undoes damage, as the next entry would. Gives the name of the copy that is kept, where there was any. */
  mend(): Promise<string | null> {
    return this.#queue.add(() => storing(() => this.#mend()));
  }

  get #path(): string {
    return join(this.#folder, fileName);
  }

  async #append(entry: JournalEntry): Promise<void> {
    this.checkOurs();
    // A folder that cannot be written is no reason to refuse what it says already.
    if (isDecided(this.#facts, entry)) return;
    await makeFolder(this.#folder);
    await this.#mend();
    await this.#compact();
    await this.#write(entry);
    this.#lines += 1;
    this.#facts = withEntry(this.#facts, entry);
  }

  async #mend(): Promise<string | null> {
    const repair = this.#repair;
    if (repair.type === "none") return null;
    const copy = repair.type === "salvage" ? await this.#salvage(repair) : null;
    if (repair.type === "truncate") await this.#truncate(repair);
    this.#repair = { type: "none" };
    return copy;
  }

  /** The copy comes first, and under one name however often this is tried. */
  async #salvage({ bytes, whole, copy }: Extract<Repair, { type: "salvage" }>) {
    if ((await sizeOf(this.#path)) !== bytes.length) return null;
    await writeWhole(join(this.#folder, copy), bytes);
    await this.#replace(Buffer.concat(whole));
    await removeOldCopies(this.#folder);
    return copy;
  }

  async #truncate({ wholeBytes, fileBytes }: Extract<Repair, { type: "truncate" }>) {
    if ((await sizeOf(this.#path)) !== fileBytes) return;
    await opened(this.#path, constants.O_RDWR | constants.O_NOFOLLOW, async (file) => {
      await file.truncate(wholeBytes);
      await file.sync();
    });
  }

  /** The long file does as well: where there is no room for the short one beside it, a later entry tries again. */
  async #compact(): Promise<void> {
    if (this.#lines <= mostLines) return;
    const entries = entriesOf(this.#facts);
    if (entries.length * 2 > this.#lines) return;
    try {
      await this.#replace(entries.map(lineOf).join(""));
      this.#lines = entries.length;
    } catch {
      await rm(join(this.#folder, newFileName), { force: true }).catch(() => undefined);
    }
  }

  /** One rename: whoever is killed at any moment leaves the one or the other, and at most a draft beside it. */
  async #replace(content: string | Uint8Array): Promise<void> {
    const draft = join(this.#folder, newFileName);
    await writeWhole(draft, content);
    await rename(draft, this.#path);
    await syncFolder(this.#folder);
  }

  async #write(entry: JournalEntry): Promise<void> {
    const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const line = lineOf(entry);
    await opened(this.#path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, async (file) => {
      const { size: wholeBytes } = await file.stat();
      try {
        await file.writeFile(line);
        await file.sync();
        // The file may be new.
        if (wholeBytes === 0) await syncFolder(this.#folder);
      } catch (thrown) {
        // The caller is told that it failed: it must not count after all when the journal is read again.
        const { size: fileBytes } = await file.stat();
        this.#repair = { type: "truncate", wholeBytes, fileBytes };
        await this.#mend().catch(() => undefined);
        throw thrown;
      }
    });
  }
}

function judgeRepair(text: JournalText, bytes: Buffer, now: () => number): Repair {
  const { whole, tornBytes, damage } = text;
  if (damage !== null) {
    const at = new Date(now()).toISOString().replaceAll(/[-:]/g, "");
    return { type: "salvage", bytes, whole, copy: `${fileName}.bad-${at}` };
  }
  if (tornBytes === 0) return { type: "none" };
  return { type: "truncate", wholeBytes: bytes.length - tornBytes, fileBytes: bytes.length };
}

const reasons: ReadonlyMap<string | undefined, string> = new Map([
  ["EACCES", "permission denied"],
  ["EPERM", "permission denied"],
  ["ELOOP", "it is a symbolic link"],
]);

async function readBytes(folder: string): Promise<Buffer> {
  try {
    const kind = await kindOf(folder);
    if (kind === "none") return Buffer.alloc(0);
    if (kind !== "folder") throw unreadable(folder, `${folder} is not a folder`);
    // A pipe in its place would keep us waiting.
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
    return await opened(join(folder, fileName), flags, async (file) => {
      if (!(await file.stat()).isFile()) throw unreadable(folder, "it is not a file");
      return file.readFile();
    });
  } catch (thrown) {
    if (thrown instanceof TroupeError) throw thrown;
    const code = errorCodeOf(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return Buffer.alloc(0);
    throw unreadable(folder, reasons.get(code) ?? code ?? "unknown", thrown);
  }
}

function unreadable(folder: string, reason: string, cause?: unknown): TroupeError {
  const remedy = "make it readable, or move it away, and the unloads and rollbacks in it with it";
  const words = `Cannot read the journal ${join(folder, fileName)}: ${reason}; ${remedy}`;
  return new TroupeError("internal", words, { cause });
}

async function makeFolder(folder: string): Promise<void> {
  const kind = await kindOf(folder);
  if (kind === "folder") return;
  if (kind !== "none") throw new TroupeError("conflict", "Cannot store: .troupe is not a folder");
  await mkdir(folder).catch(unlessThere);
  await syncFolder(dirname(folder));
}

function unlessThere(thrown: unknown): void {
  if (errorCodeOf(thrown) !== "EEXIST") throw thrown;
}

/** Undefined where there is nothing, as when somebody has taken it away. */
async function sizeOf(path: string): Promise<number | undefined> {
  return (await kindOf(path)) === "file" ? (await lstat(path)).size : undefined;
}

async function removeOldCopies(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^journal\.bad-[\dT.]+Z$/.test(name));
  for (const name of names.toSorted().slice(0, -keptCopies)) {
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}
