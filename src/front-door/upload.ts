/*
 * One upload: its way from the body of a request into the folder that the supervisor has opened for it.
 * What it is good for, and what becomes of it, is the supervisor's to say.
 */
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Clock, Millis } from "../platform/clock.ts";
import type { DoorEvent } from "../protocol/control.ts";
import { type Failure, TroupeError, toFailure } from "../protocol/errors.ts";
import type { ModelChange, UploadedFile } from "../protocol/questions.ts";
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

/** Whose an upload is, as far as its body has said it yet. */
export interface UploadTarget {
  readonly model: string;
  readonly version: string | null;
}

export type UploadTerms = UploadTarget &
  Pick<Extract<ModelChange, { type: "upload" }>, "config" | "dialect">;

/** A line of 64 kB a second, shared with somebody else, still gets through. */
export const uploadPace: PaceLimits = { minBytesPerSecond: 16_384, slackMs: 30_000 };
const progressEveryMs = 250;
/** A model is loaded, tried and warmed up before its upload is answered. */
export const changeWaiting: Waiting = { patienceMs: 600_000 };

/** Takes a form in, and resolves to the supervisor's answer. `beforeBody` is called when the body is wanted. */
export async function takeUpload(
  parts: UploadParts,
  request: IncomingMessage,
  query: Readonly<Record<string, string>>,
  beforeBody: () => void,
): Promise<string> {
  checkFormType(request);
  const form = new UploadForm();
  for (const [field, value] of Object.entries(query)) form.set(field, value);
  checkUploadSize(declaredLength(request, Number.POSITIVE_INFINITY), parts.maxUploadBytes);
  const upload = await Upload.open(parts);
  try {
    beforeBody();
    await readInto(upload, form, { parts, request });
  } catch (thrown) {
    upload.drop(toFailure(thrown));
    throw thrown;
  }
  const { named: model, version, config } = form;
  return upload.hand({ model, version, config });
}

async function readInto(
  upload: Upload,
  form: UploadForm,
  { parts, request }: { readonly parts: UploadParts; readonly request: IncomingMessage },
): Promise<void> {
  const { clock, maxUploadBytes } = parts;
  const listener = {
    onBytes: (bytes: number) => checkUploadSize(bytes, maxUploadBytes),
    onField: (field: string, value: string) => form.set(field, value),
    onFile: (name: string, content: Readable) => {
      checkFileName(name);
      const { id: model, version } = form;
      return upload.store(name, content, model === null ? null : { model, version });
    },
  };
  await readForm(request, listener, { clock, pace: uploadPace, fileFields });
  upload.settle(settleFiles);
  await upload.name({ model: form.named, version: form.version });
  upload.tellWhole();
}

/** Files of which the supervisor makes a version, in the folder that it has opened for them. */
export class Upload {
  readonly #parts: UploadParts;
  readonly #opened: OpenUpload;
  #files: readonly UploadedFile[] = [];
  #bytes = 0;
  #toldAt: Millis = Number.NEGATIVE_INFINITY;
  #isNamed = false;
  #toldBytes = -1;
  /** Whether whoever hears of the bytes could know whose they are. */
  #isToldNamed = false;

  private constructor(parts: UploadParts, opened: OpenUpload) {
    this.#parts = parts;
    this.#opened = opened;
  }

  static async open(parts: UploadParts): Promise<Upload> {
    const { requestId } = parts;
    const onLate = (body: string) =>
      new Upload(parts, parseOpened(body)).drop(toFailure(openedLate()));
    const opened = await parts.ask({ type: "open-upload", requestId }, { onLate });
    return new Upload(parts, parseOpened(opened));
  }

  /** Nothing of it is kept. */
  drop({ code, message: reason }: Failure): void {
    this.#parts.tell({ type: "upload-dropped", uploadId: this.#opened.uploadId, code, reason });
  }

  hand(terms: UploadTerms): Promise<string> {
    const { uploadId } = this.#opened;
    const { requestId, ask } = this.#parts;
    const change = { type: "upload", uploadId, ...terms, files: this.#files } as const;
    return ask({ type: "change", change, requestId }, changeWaiting);
  }

  /** One at a time. */
  async store(
    name: string,
    content: AsyncIterable<Buffer>,
    target: UploadTarget | null,
  ): Promise<void> {
    // Before the bytes, so that nobody sends a gigabyte to hear of a conflict.
    if (target !== null) await this.name(target);
    const path = join(this.#opened.folder, String(this.#files.length));
    const stored = await storeFile(path, content, (bytes) => this.#count(bytes));
    this.#files = [...this.#files, { name, path, ...stored }];
  }

  /** Gives the files the names under which they are stored. */
  settle(settled: (files: readonly UploadedFile[]) => readonly UploadedFile[]): void {
    this.#files = settled(this.#files);
  }

  /** Once. */
  async name(target: UploadTarget): Promise<void> {
    if (this.#isNamed) return;
    this.#isNamed = true;
    await this.#parts.ask({ type: "name-upload", uploadId: this.#opened.uploadId, ...target });
  }

  #tellProgress(): void {
    this.#toldBytes = this.#bytes;
    this.#isToldNamed = this.#isNamed;
    this.#toldAt = this.#parts.clock.now();
    const { uploadId } = this.#opened;
    this.#parts.tell({ type: "upload-progress", uploadId, bytes: this.#bytes });
  }

  /** Of a small upload nothing has changed since. */
  tellWhole(): void {
    const isTold = this.#bytes === this.#toldBytes && this.#isToldNamed;
    if (!isTold) this.#tellProgress();
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#parts.clock.now() - this.#toldAt >= progressEveryMs) this.#tellProgress();
  }
}

function openedLate(): TroupeError {
  return new TroupeError("model-unavailable", "it was opened too late");
}

/** Of the whole body: a form's own words count too, so that they have a bound. */
export function checkUploadSize(bytes: number, maxUploadBytes: number): void {
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
