/* What is told of uploads that are on their way, or have ended there: no change has begun of them. */
import type { Log } from "../src/platform/log.ts";
import type { Failure } from "../src/protocol/errors.ts";
import type { Feed } from "./feed.ts";
import type { DroppedUpload } from "./uploads.ts";

export type UploadEnd = "cancelled" | "failed";

/** Why an upload was dropped. */
export type DropReason = Pick<Failure, "code" | "message">;

export interface UploadNewsParts {
  readonly feed: Feed;
  readonly log: Log;
  /** The model is empty where it was not said. */
  readonly onDropped: (model: string, end: UploadEnd) => void;
}

export class UploadNews {
  readonly #parts: UploadNewsParts;

  constructor(parts: UploadNewsParts) {
    this.#parts = parts;
  }

  progress(uploadId: string, model: string | null, bytes: number): void {
    const details = { upload_id: uploadId, bytes };
    this.#note(model, { state: "receiving", reason: null, details });
  }

  dropped({ uploadId, model, requestId }: DroppedUpload, { code, message }: DropReason): void {
    const state = code === "cancelled" ? "cancelled" : "failed";
    const details = { upload_id: uploadId };
    this.#note(model, { state, reason: message, details });
    const fields = { upload_id: uploadId, model, request_id: requestId, reason: message };
    this.#parts.log.warn(fields, `upload ${state}`);
    this.#parts.onDropped(model ?? "", state);
  }

  #note(
    model: string | null,
    what: Pick<Parameters<Feed["note"]>[0], "state" | "reason" | "details">,
  ): void {
    this.#parts.feed.note({ type: "upload", model, version: null, ...what });
  }
}
