/*
 * One upload: its way from the body of a request into the folder that the supervisor has opened for it.
 * What it is good for, and what becomes of it, is the supervisor's to say.
 */
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Clock, Millis } from "../platform/clock.ts";
import type { DoorEvent } from "../protocol/control.ts";
import { TroupeError, toFailure } from "../protocol/errors.ts";
import type { UploadedFile } from "../protocol/questions.ts";
import { checkFormType, readForm } from "./multipart-upload.ts";
import type { AskSupervisor, Waiting } from "./queries.ts";
import { declaredLength } from "./request-body.ts";
import { storeFile } from "./stored-file.ts";
import { checkFileName, fileFields, settleFiles, UploadForm } from "./upload-form.ts";
import type { PaceLimits } from "./upload-pace.ts";

export interface UploadParts {
  readonly clock: Clock;
  readonly ask: AskSupervisor;
  readonly tell: (event: DoorEvent) => unknown;
  readonly maxUploadBytes: number;
  readonly requestId: string;
}

interface OpenUpload {
  readonly uploadId: string;
  /** An absolute path. */
  readonly folder: string;
}

/** A line of 64 kB a second, shared with somebody else, still gets through. */
const pace: PaceLimits = { minBytesPerSecond: 16_384, slackMs: 30_000 };
const progressEveryMs = 250;
/** A model is loaded, tried and warmed up before its upload is answered. */
export const changeWaiting: Waiting = { patienceMs: 600_000 };

/** Takes the upload in, and resolves to the supervisor's answer. `beforeBody` is called when the body is wanted. */
export async function takeUpload(
  parts: UploadParts,
  request: IncomingMessage,
  query: Readonly<Record<string, string>>,
  beforeBody: () => void,
): Promise<string> {
  checkFormType(request);
  const form = new UploadForm();
  for (const [field, value] of Object.entries(query)) form.set(field, value);
  checkSize(declaredLength(request, Number.POSITIVE_INFINITY), parts.maxUploadBytes);
  const { requestId } = parts;
  const drop = ({ uploadId }: OpenUpload, thrown: unknown) => {
    const { code, message: reason } = toFailure(thrown);
    parts.tell({ type: "upload-dropped", uploadId, code, reason });
  };
  const onLate = (body: string) => drop(parseOpened(body), openedLate());
  const opened = parseOpened(await parts.ask({ type: "open-upload", requestId }, { onLate }));
  const upload = new Upload(parts, opened, form);
  try {
    beforeBody();
    await upload.take(request);
  } catch (thrown) {
    drop(opened, thrown);
    throw thrown;
  }
  return upload.hand();
}

class Upload {
  readonly #parts: UploadParts;
  readonly #opened: OpenUpload;
  readonly #form: UploadForm;
  #files: readonly UploadedFile[] = [];
  #bytes = 0;
  #toldAt: Millis = Number.NEGATIVE_INFINITY;
  #isNamed = false;
  #toldBytes = -1;
  /** Whether whoever hears of the bytes could know whose they are. */
  #isToldNamed = false;

  constructor(parts: UploadParts, opened: OpenUpload, form: UploadForm) {
    this.#parts = parts;
    this.#opened = opened;
    this.#form = form;
  }

  /** Resolves when all files lie on the disk and the supervisor knows whose they are. */
  async take(request: IncomingMessage): Promise<void> {
    const { clock, maxUploadBytes } = this.#parts;
    const listener = {
      onBytes: (bytes: number) => checkSize(bytes, maxUploadBytes),
      onField: (field: string, value: string) => this.#form.set(field, value),
      onFile: (name: string, content: Readable) => this.#store(name, content),
    };
    await readForm(request, listener, { clock, pace, fileFields });
    this.#files = settleFiles(this.#files);
    await this.#name(this.#form.named);
    this.#tellWhole();
  }

  hand(): Promise<string> {
    const { named: model, version, config } = this.#form;
    const { uploadId } = this.#opened;
    const files = this.#files;
    const change = { type: "upload", uploadId, model, version, config, files } as const;
    const { requestId, ask } = this.#parts;
    return ask({ type: "change", change, requestId }, changeWaiting);
  }

  async #store(name: string, content: Readable): Promise<void> {
    checkFileName(name);
    // Before the bytes, so that nobody sends a gigabyte to hear of a conflict.
    if (this.#form.model !== null) await this.#name(this.#form.model);
    const path = join(this.#opened.folder, String(this.#files.length));
    const stored = await storeFile(path, content, (bytes) => this.#count(bytes));
    this.#files = [...this.#files, { name, path, ...stored }];
  }

  /** Once. */
  async #name(model: string): Promise<void> {
    if (this.#isNamed) return;
    this.#isNamed = true;
    const { uploadId } = this.#opened;
    await this.#parts.ask({ type: "name-upload", uploadId, model, version: this.#form.version });
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#parts.clock.now() - this.#toldAt >= progressEveryMs) this.#tellProgress();
  }

  /** Of a small upload nothing has changed since. */
  #tellWhole(): void {
    const isTold = this.#bytes === this.#toldBytes && this.#isToldNamed;
    if (!isTold) this.#tellProgress();
  }

  #tellProgress(): void {
    this.#toldBytes = this.#bytes;
    this.#isToldNamed = this.#isNamed;
    this.#toldAt = this.#parts.clock.now();
    const { uploadId } = this.#opened;
    this.#parts.tell({ type: "upload-progress", uploadId, bytes: this.#bytes });
  }
}

function openedLate(): TroupeError {
  return new TroupeError("model-unavailable", "it was opened too late");
}

/** Of the whole body: a form's own words count too, so that they have a bound. */
function checkSize(bytes: number, maxUploadBytes: number): void {
  if (bytes <= maxUploadBytes) return;
  const words = `an upload must be at most ${maxUploadBytes} bytes (max_upload_bytes), got ${bytes}`;
  throw new TroupeError("payload-too-large", words);
}

/** Throws where the supervisor's words are not what was agreed, which is a bug. */
function parseOpened(body: string): OpenUpload {
  const opened: unknown = JSON.parse(body);
  if (typeof opened !== "object" || opened === null) throw new Error("no upload was opened");
  const { upload_id: uploadId, folder } = opened as Readonly<Record<string, unknown>>;
  if (typeof uploadId !== "string" || typeof folder !== "string") {
    throw new Error("no upload was opened");
  }
  return { uploadId, folder };
}
