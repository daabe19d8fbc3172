// Owns the file in which the decisions about models outlive the server: a checksum and an entry a line.
// What an entry says is told in journal-facts.ts; what is to be done about it is the caller's.
import { constants, type FileHandle, mkdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import PQueue from "p-queue";
import { TroupeError } from "../src/protocol/errors.ts";
import { type JournalEntry, parseEntry } from "./journal-entry.ts";
import { entriesOf, type Facts, foldJournal, withEntry } from "./journal-facts.ts";
import { errorCodeOf, kindOf, opened, storing, syncFolder, writeWhole } from "./storage.ts";

const fileName = "journal";
const newFileName = "journal.new";
const checksumLength = 8;
const lineEnd = 0x0a;
/** A journal of more lines is rewritten, with only what still counts. */
const mostLines = 1_000;

interface Content {
  /** Those that can be read; a newer Troupe's others stay in the file. */
  readonly entries: readonly JournalEntry[];
  readonly lines: number;
  /** How much of the file is whole, in bytes. */
  readonly wholeBytes: number;
}

/** What must be done before the next entry can be written. */
type Repair =
  | { readonly type: "none" }
  | { readonly type: "compact" }
  /** Nothing where the file has another size by now: another server has seen to it. */
  | { readonly type: "truncate"; readonly wholeBytes: number; readonly fileBytes: number };

export class Journal {
  readonly #folder: string;
  readonly #queue = new PQueue({ concurrency: 1 });
  #repair: Repair;
  #facts: Facts;

  private constructor(folder: string, facts: Facts, repair: Repair) {
    this.#folder = folder;
    this.#facts = facts;
    this.#repair = repair;
  }

  /** Only reads: a models folder that cannot be written has no journal, or an old one. */
  static async open(folder: string): Promise<Journal> {
    const bytes = await readBytes(folder);
    const content = readContent(bytes);
    return new Journal(folder, foldJournal(content.entries), judgeRepair(content, bytes.length));
  }

  /** What all entries say that are on the disk. */
  get facts(): Facts {
    return this.#facts;
  }

  /** Resolves when the entry is on the disk, in the order of the calls; throws TroupeError where it cannot be. */
  append(entry: JournalEntry): Promise<void> {
    return this.#queue.add(() => storing(() => this.#append(entry)));
  }

  async #append(entry: JournalEntry): Promise<void> {
    await makeFolder(this.#folder);
    if (this.#repair.type === "compact") await this.#compact();
    const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const path = join(this.#folder, fileName);
    await opened(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, (file) =>
      this.#write(file, entry),
    );
    this.#facts = withEntry(this.#facts, entry);
  }

  async #compact(): Promise<void> {
    const path = join(this.#folder, newFileName);
    await writeWhole(path, entriesOf(this.#facts).map(lineOf).join(""));
    await rename(path, join(this.#folder, fileName));
    await syncFolder(this.#folder);
    this.#repair = { type: "none" };
  }

  async #write(file: FileHandle, entry: JournalEntry): Promise<void> {
    await this.#truncate(file);
    const { size: wholeBytes } = await file.stat();
    const line = lineOf(entry);
    try {
      await file.writeFile(line);
      await file.sync();
      // The file may be new.
      if (wholeBytes === 0) await syncFolder(this.#folder);
    } catch (thrown) {
      // The caller is told that it failed: it must not count after all when the journal is read again.
      const { size: fileBytes } = await file.stat();
      this.#repair = { type: "truncate", wholeBytes, fileBytes };
      await this.#truncate(file).catch(() => undefined);
      throw thrown;
    }
  }

  async #truncate(file: FileHandle): Promise<void> {
    if (this.#repair.type !== "truncate") return;
    const { wholeBytes, fileBytes } = this.#repair;
    const { size } = await file.stat();
    if (size === fileBytes) {
      await file.truncate(wholeBytes);
      await file.sync();
    }
    this.#repair = { type: "none" };
  }
}

async function readBytes(folder: string): Promise<Buffer> {
  try {
    if ((await kindOf(folder)) !== "folder") return Buffer.alloc(0);
    const { O_RDONLY, O_NOFOLLOW } = constants;
    return await readFile(join(folder, fileName), { flag: O_RDONLY | O_NOFOLLOW });
  } catch (thrown) {
    const code = errorCodeOf(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return Buffer.alloc(0);
    const words = `Cannot read the journal of the models folder (${code ?? "unknown"})`;
    throw new TroupeError("internal", words, { cause: thrown });
  }
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

function judgeRepair({ lines, wholeBytes }: Content, fileBytes: number): Repair {
  if (lines > mostLines) return { type: "compact" };
  if (wholeBytes < fileBytes) return { type: "truncate", wholeBytes, fileBytes };
  return { type: "none" };
}

/** Up to the first line that is torn or has another checksum: what stands behind it cannot be trusted either. */
function readContent(bytes: Buffer): Content {
  const entries: JournalEntry[] = [];
  let lines = 0;
  let wholeBytes = 0;
  for (;;) {
    const end = bytes.indexOf(lineEnd, wholeBytes);
    if (end === -1) break;
    const line = bytes.subarray(wholeBytes, end);
    if (!isWhole(line)) break;
    const entry = parseLine(line);
    if (entry !== undefined) entries.push(entry);
    lines += 1;
    wholeBytes = end + 1;
  }
  return { entries, lines, wholeBytes };
}

function isWhole(line: Buffer): boolean {
  const json = line.subarray(checksumLength + 1);
  return line.toString("latin1", 0, checksumLength + 1) === `${checksumOf(json)} `;
}

function parseLine(line: Buffer): JournalEntry | undefined {
  try {
    return parseEntry(JSON.parse(line.toString("utf8", checksumLength + 1)));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function lineOf(entry: JournalEntry): string {
  const json = JSON.stringify(entry);
  return `${checksumOf(json)} ${json}\n`;
}

function checksumOf(json: string | Uint8Array): string {
  return crc32(json).toString(16).padStart(checksumLength, "0");
}
