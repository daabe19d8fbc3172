/* The one home of busboy: a multipart body as fields and streams of files, one after another, no faster than they are taken. */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import type { Clock, Millis } from "../platform/clock.ts";
import { TroupeError } from "../protocol/errors.ts";
import { maxConfigBytes, maxUploadFiles } from "../protocol/questions.ts";
import { beginPace, notePace, type PaceLimits, paceFailure } from "./upload-pace.ts";

export interface FormListener {
  /** Of the whole body; may throw. */
  readonly onBytes: (bytes: number) => void;
  /** May throw. */
  readonly onField: (field: string, value: string) => void;
  /** Files come one at a time; a rejection ends the reading. */
  readonly onFile: (name: string, content: Readable) => Promise<void>;
}

export interface FormOptions {
  readonly clock: Clock;
  readonly pace: PaceLimits;
  /** Parts of these names are files where they come as such, all others are fields. */
  readonly fileFields: readonly string[];
}

const limits = {
  fieldSize: maxConfigBytes,
  files: maxUploadFiles,
  fields: 16,
  headerPairs: 32,
  headerSize: 16_384,
};

/**
 * Resolves when the body is whole and all files are taken. After a rejection no file is being taken any more, and the
 * rest of the body is left unread.
 */
export async function readForm(
  request: IncomingMessage,
  listener: FormListener,
  options: FormOptions,
): Promise<void> {
  const reading = new FormReading(request, listener, options);
  try {
    await reading.whole;
  } catch (thrown) {
    await reading.stop(thrown);
    throw thrown;
  } finally {
    reading.leave();
  }
}

class FormReading {
  /** Settles once, with the first failure or the end. */
  readonly whole: Promise<void>;
  readonly #request: IncomingMessage;
  readonly #listener: FormListener;
  readonly #options: FormOptions;
  readonly #parser: BusboyInstance;
  readonly #files = new Set<Readable>();
  #taken: Promise<void> = Promise.resolve();
  #bytes = 0;
  #isParsed = false;
  #isEnded = false;
  readonly #beganAt: Millis;
  #lateAt: Millis;
  /** The disk is slower than the sender, who owes nothing meanwhile. */
  #pausedAt: Millis | undefined;
  #disarm: () => void = () => undefined;
  #resolve: () => void = () => undefined;
  #fail: (reason: unknown) => void = () => undefined;

  constructor(request: IncomingMessage, listener: FormListener, options: FormOptions) {
    this.#request = request;
    this.#listener = listener;
    this.#options = options;
    this.#beganAt = options.clock.now();
    this.#lateAt = beginPace(this.#beganAt, options.pace);
    this.#parser = createParser(request, options.fileFields);
    this.whole = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#fail = reject;
    });
    this.#listenToParser();
    this.#request.on("data", this.#onData).on("end", this.#onEnd);
    this.#request.on("close", this.#onGone).on("error", this.#onGone);
    this.#watch(options.pace.slackMs);
    if (request.destroyed) this.#onGone();
  }

  /** Resolves when nothing holds a file any more. */
  async stop(reason: unknown): Promise<void> {
    this.leave();
    const error = reason instanceof Error ? reason : new Error("stopped");
    for (const file of this.#files) file.destroy(error);
    await this.#taken.catch(() => undefined);
  }

  leave(): void {
    this.#disarm();
    this.#request.off("data", this.#onData).off("end", this.#onEnd);
    this.#request.off("close", this.#onGone);
  }

  #listenToParser(): void {
    const parser = this.#parser;
    const tooMany = (what: string) => () => this.#fail(invalid(`the form has too many ${what}`));
    parser.on("file", (_field, content, name) => this.#take(name ?? "", content));
    parser.on("field", (field, value, _cut, isCut) => this.#note(field, value, isCut));
    parser.on("filesLimit", tooMany(`files: at most ${maxUploadFiles}`));
    parser.on("fieldsLimit", tooMany("fields"));
    parser.on("error", () => this.#fail(invalid("the form is not well-formed or ends too early")));
    parser.on("finish", () => {
      this.#isParsed = true;
      this.#settle();
    });
    parser.on("drain", () => this.#resume());
  }

  #take(name: string, content: Readable): void {
    this.#files.add(content);
    // Else the end of a body in the midst of a file would end the process.
    content.on("error", () => undefined);
    this.#taken = this.#taken.then(async () => {
      await this.#listener.onFile(name, content);
      this.#files.delete(content);
    });
    this.#taken.catch(this.#fail);
  }

  #note(field: string, value: string, isCut: boolean): void {
    try {
      this.#listener.onField(field, value);
      if (isCut) throw invalid(`${field} must be at most ${maxConfigBytes} bytes`);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  readonly #onData = (chunk: Buffer) => {
    const { clock, pace } = this.#options;
    const came = { now: clock.now(), bytes: chunk.length };
    this.#lateAt = notePace(this.#lateAt, came, pace);
    this.#bytes += chunk.length;
    try {
      this.#listener.onBytes(this.#bytes);
      if (!this.#parser.write(chunk)) this.#pause();
    } catch (thrown) {
      this.#fail(thrown);
    }
  };

  #pause(): void {
    this.#pausedAt ??= this.#options.clock.now();
    this.#request.pause();
  }

  #resume(): void {
    const now = this.#options.clock.now();
    this.#lateAt += now - (this.#pausedAt ?? now);
    this.#pausedAt = undefined;
    this.#request.resume();
  }

  readonly #onEnd = () => {
    this.#isEnded = true;
    this.#parser.end();
    this.#settle();
  };

  /** The form may end before its body does. */
  #settle(): void {
    if (this.#isParsed && this.#isEnded) this.#taken.then(this.#resolve, this.#fail);
  }

  readonly #onGone = () => {
    if (!this.#request.complete) this.#fail(new TroupeError("cancelled", "the client left"));
  };

  #watch(delayMs: number): void {
    const { clock, pace } = this.#options;
    this.#disarm = clock.after(delayMs, () => {
      if (this.#request.complete) return;
      const now = clock.now();
      if (this.#pausedAt !== undefined) this.#watch(pace.slackMs);
      else if (now < this.#lateAt) this.#watch(this.#lateAt - now);
      else this.#fail(paceFailure({ bytes: this.#bytes, tookMs: now - this.#beganAt }, pace));
    });
  }
}

/** Throws `unsupported-media-type`. */
export function checkFormType({ headers }: IncomingMessage): void {
  const type = headers["content-type"] ?? "";
  if (/^multipart\/form-data\s*(;|$)/i.test(type)) return;
  const words = `content-type must be multipart/form-data, got '${type}'`;
  throw new TroupeError("unsupported-media-type", words);
}

/** Throws `invalid-request`. */
function createParser(request: IncomingMessage, fileFields: readonly string[]): BusboyInstance {
  const type = request.headers["content-type"] ?? "";
  try {
    return new Busboy({
      headers: { ...request.headers, "content-type": type },
      limits,
      // Else paths would be cut to their last part unseen.
      preservePath: true,
      // What has neither a name nor a type of its own is a text that somebody has typed.
      isPartAFile: (field, type, name) =>
        field !== undefined &&
        fileFields.includes(field) &&
        (name !== undefined || (type !== undefined && type !== "text/plain")),
    });
  } catch (thrown) {
    throw new TroupeError("invalid-request", "content-type must name the boundary of the form", {
      cause: thrown,
    });
  }
}

function invalid(words: string): TroupeError {
  return new TroupeError("invalid-request", words);
}
