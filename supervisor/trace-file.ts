/* Appends traces as lines of JSON to files of the folder that the operator allows, and to none beside it. */
import { constants } from "node:fs";
import { join } from "node:path";
import { TroupeError } from "../src/protocol/errors.ts";
import { opened } from "./storage.ts";

const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const ownerOnly = 0o600;

/** Throws `invalid-request`. */
export function checkTraceFile(file: string, folder: string): void {
  if (file === "") return;
  if (folder === "") {
    const words = "trace_file cannot be set: the server was started without --trace-folder";
    throw new TroupeError("invalid-request", words);
  }
  if (/^(?!\.)[^/\\\0]{1,200}$/.test(file)) return;
  const words = `trace_file must be the plain name of a file, inside the server's trace folder, got '${file}'`;
  throw new TroupeError("invalid-request", words);
}

export class TraceFiles {
  readonly #folder: string;
  readonly #onFailed: (thrown: unknown) => void;
  readonly #written = new Map<string, number>();
  #last: Promise<void> = Promise.resolve();

  constructor(folder: string, onFailed: (thrown: unknown) => void) {
    this.#folder = folder;
    this.#onFailed = onFailed;
  }

  /** With a `frequency`, so many lines go to `file.0`, the next to `file.1`. */
  append(file: string, frequency: number, line: string): void {
    const written = this.#written.get(file) ?? 0;
    this.#written.set(file, written + 1);
    const name = frequency === 0 ? file : `${file}.${Math.floor(written / frequency)}`;
    const path = join(this.#folder, name);
    this.#last = this.#last.then(() => appendLine(path, line)).catch(this.#onFailed);
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
