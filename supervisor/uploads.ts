/* Uploads that are under way: which folder each has, whose it is, and for which model. */
import { randomBytes } from "node:crypto";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelStore } from "./model-store.ts";

interface OpenUpload {
  /** The front door that takes it: what it has opened goes with it. */
  readonly door: object;
  readonly requestId: string;
  /** As its client says, whether it may be uploaded or not. */
  said: string | undefined;
  /** No other upload of it may be under way. */
  model: string | undefined;
  /** All of it is here, and it does not need its front door any more. */
  isTaken: boolean;
}

/** An upload that was not to the end. */
export interface DroppedUpload {
  readonly uploadId: string;
  /** Null where it was not said yet. */
  readonly model: string | null;
  readonly requestId: string;
}

const mostOpen = 16;

export class Uploads {
  readonly #store: ModelStore;
  readonly #open = new Map<string, OpenUpload>();

  constructor(store: ModelStore) {
    this.#store = store;
  }

  /** The JSON that the front door is answered. Throws `overloaded`, or what is wrong with the models folder. */
  async open(
    door: object,
    requestId: string,
  ): Promise<{ readonly upload_id: string; readonly folder: string }> {
    if (this.#open.size >= mostOpen) {
      const words = `Cannot take upload: ${mostOpen} are under way`;
      throw new TroupeError("overloaded", words, { retryAfterMs: 5_000 });
    }
    const id = randomBytes(8).toString("hex");
    this.#open.set(id, { door, requestId, said: undefined, model: undefined, isTaken: false });
    try {
      const folder = await this.#store.openUpload(id);
      if (this.#open.has(id)) return { upload_id: id, folder };
    } catch (thrown) {
      this.#open.delete(id);
      throw thrown;
    }
    // Its front door has gone before the folder was there to be dropped.
    await this.#store.dropUpload(id);
    throw givenUp();
  }

  /** Throws `conflict` where another upload of the model is under way. */
  name(id: string, model: string): void {
    const upload = this.#open.get(id);
    if (upload === undefined) throw givenUp();
    upload.said = model;
    const other = [...this.#open].find(([key, one]) => key !== id && one.model === model);
    if (other !== undefined) {
      const words = `Cannot upload model '${model}': another upload of it is under way`;
      throw new TroupeError("conflict", words);
    }
    upload.model = model;
  }

  modelOf(id: string): string | null {
    return this.#open.get(id)?.said ?? null;
  }

  /** As `name`, and from now on only `end` drops it. */
  take(id: string, model: string): void {
    this.name(id, model);
    const upload = this.#open.get(id);
    if (upload !== undefined) upload.isTaken = true;
  }

  /** Whoever sends it has given up. Undefined where it needs nobody any more, or there is none. */
  async drop(id: string): Promise<DroppedUpload | undefined> {
    const upload = this.#open.get(id);
    if (upload === undefined || upload.isTaken) return undefined;
    await this.end(id).catch(() => undefined);
    return { uploadId: id, model: upload.said ?? null, requestId: upload.requestId };
  }

  async end(id: string): Promise<void> {
    if (this.#open.delete(id)) await this.#store.dropUpload(id);
  }

  /** A front door is gone: nobody sends the rest. */
  async forget(door: object): Promise<readonly DroppedUpload[]> {
    const ids = [...this.#open].filter(([, upload]) => upload.door === door).map(([id]) => id);
    const dropped = await Promise.all(ids.map((id) => this.drop(id)));
    return dropped.filter((one) => one !== undefined);
  }
}

function givenUp(): TroupeError {
  return new TroupeError("conflict", "the upload was given up");
}
