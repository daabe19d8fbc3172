/* Appends traces as lines of JSON to files of the folder that the operator allows, and to none beside it. */
import { constants } from "node:fs";
import { join } from "node:path";
import { TroupeError } from "../src/protocol/errors.ts";
import { opened } from "./storage.ts";

const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const ownerOnly = 0o600;
/** In bytes: file systems take 255, of which the number of the part takes some. */
const longestName = 200;
/** Lines that wait for a disk that does not keep up; the others are left out. */
const mostWaiting = 4_096;

/** Throws `invalid-request`. */
export function checkTraceFile(file: string, folder: string): void {
  if (file === "") return;
  if (folder === "") {
    const words = "trace_file cannot be set: the server was started without --trace-folder";
    throw new TroupeError("invalid-request", words);
  }
  const isPlain = /^(?!\.)[^/\\\0]+$/.test(file);
  if (isPlain && Buffer.byteLength(file) <= longestName) return;
  const words = `trace_file must be the plain name of a file, inside the server's trace folder, got '${file}'`;
  throw new TroupeError("invalid-request", words);
}

export class TraceFiles {
  readonly #folder: string;
  readonly #onFailed: (thrown: unknown) => void;
  #waiting = 0;
  #isFailing = false;
  readonly #written = new Map<string, number>();
  #last: Promise<void> = Promise.resolve();

  /** `onFailed` hears of the first of several failures that follow each other. */
  constructor(folder: string, onFailed: (thrown: unknown) => void) {
    this.#folder = folder;
    this.#onFailed = onFailed;
  }

  /** With a `frequency`, so many lines go to `file.0`, the next to `file.1`. */
  append(file: string, frequency: number, line: string): void {
    if (this.#waiting >= mostWaiting) return;
    const written = this.#written.get(file) ?? 0;
    this.#written.set(file, written + 1);
    const name = frequency === 0 ? file : `${file}.${Math.floor(written / frequency)}`;
    const path = join(this.#folder, name);
    this.#waiting += 1;
    this.#last = this.#last.then(() => this.#append(path, line));
  }

  async #append(path: string, line: string): Promise<void> {
    try {
      await appendLine(path, line);
      this.#isFailing = false;
    } catch (thrown) {
      if (!this.#isFailing) this.#onFailed(thrown);
      this.#isFailing = true;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Resolves when all is written that has been appended. */
  get settled(): Promise<void> {
    return this.#last;
  }
}

/** Non-blocking, as a pipe without a reader would hold up the thread that opens it. */
function appendLine(path: string, line: string): Promise<void> {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
  return opened(path, flags, (handle) => handle.writeFile(line), ownerOnly);
}
