/*
 * Loads and unloads models for the repository extension of Open Inference V2, whatever carries it. A load that brings
 * files is taken in as an upload is, and installed as one; one without takes the model as its folder has it.
 */
import { TroupeError, toFailure } from "../protocol/errors.ts";
import { type ModelChange, maxConfigBytes } from "../protocol/questions.ts";
import { checkName } from "./plain-name.ts";
import type { AskSupervisor } from "./queries.ts";
import { changeWaiting, Upload, type UploadParts } from "./upload.ts";
import {
  fileOf,
  judgeLoad,
  type LoadFile,
  oneVersion,
  settleOverride,
  type TakeFile,
} from "./v2-repository.ts";

type Json = Readonly<Record<string, unknown>>;

/** What a load says beside its files, whose numbers, from 0, stand in their places as texts. */
export type ReadLoad = (takeFile: TakeFile) => Promise<Json>;

/** Beside files: a config is a text in a text, where each quote takes two bytes more. */
export const maxTermsBytes = 4 * maxConfigBytes;

/** Resolves when it is done. */
export async function loadModel(parts: UploadParts, name: string, read: ReadLoad): Promise<void> {
  const model = checkName("model", name);
  const load = new Load(parts, model);
  try {
    await load.take(read);
    await load.carryOut();
  } catch (thrown) {
    throw worded(thrown, `failed to load '${model}'`);
  }
}

/** Resolves when it is done. */
export async function unloadModel(
  ask: AskSupervisor,
  name: string,
  requestId: string,
): Promise<void> {
  const model = checkName("model", name);
  const change = { type: "unload", model, version: null } as const;
  await ask({ type: "change", change, requestId }, changeWaiting).catch((thrown: unknown) => {
    throw worded(thrown, `failed to unload '${model}'`);
  });
}

/** Clients tell a failed load by these words. */
function worded(thrown: unknown, words: string): unknown {
  if (!(thrown instanceof TroupeError)) return thrown;
  const { code, message, retryAfterMs } = thrown;
  return new TroupeError(code, `${words}: ${message}`, { cause: thrown, retryAfterMs });
}

class Load {
  readonly #parts: UploadParts;
  readonly #model: string;
  #upload: Upload | undefined;
  #files: readonly LoadFile[] = [];
  #config: string | null = null;

  constructor(parts: UploadParts, model: string) {
    this.#parts = parts;
    this.#model = model;
  }

  /** Nothing is kept of one that is refused. */
  async take(read: ReadLoad): Promise<void> {
    try {
      const fields = await read((key, content) => this.#takeFile(key, content));
      this.#config = judgeLoad(fields, this.#files.length);
      this.#upload?.settle(settleOverride);
      this.#upload?.tellWhole();
    } catch (thrown) {
      this.#upload?.drop(toFailure(thrown));
      throw thrown;
    }
  }

  async #takeFile(key: string, content: AsyncIterable<Buffer>): Promise<void> {
    const file = fileOf(key);
    this.#files = [...this.#files, file];
    const version = oneVersion(this.#files);
    this.#upload ??= await Upload.open(this.#parts);
    await this.#upload.store(file.name, content, { model: this.#model, version });
  }

  async carryOut(): Promise<void> {
    const config = this.#config;
    const model = this.#model;
    if (this.#upload !== undefined) {
      const version = oneVersion(this.#files);
      await this.#upload.hand({ model, version, config, dialect: "triton" });
      return;
    }
    const change: ModelChange =
      config === null
        ? { type: "load", model, version: null }
        : { type: "configure", model, config };
    const { ask, requestId } = this.#parts;
    await ask({ type: "change", change, requestId }, changeWaiting);
  }
}
