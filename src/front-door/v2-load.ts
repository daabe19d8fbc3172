/*
 * The load of Open Inference V2 that brings a configuration, and files with it: taken in as an upload is, and installed
 * as one. A load without either takes the model as its folder has it.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { type ModelChange, maxConfigBytes } from "../protocol/questions.ts";
import { checkJsonType, inviteBody, parseFields } from "./json-request.ts";
import { readLoadBody } from "./load-body.ts";
import { pacedBody } from "./paced-body.ts";
import { declaredLength } from "./request-body.ts";
import { changeWaiting, checkUploadSize, Upload, type UploadParts, uploadPace } from "./upload.ts";
import { fileOf, judgeLoad, type LoadFile, oneVersion, settleOverride } from "./v2-repository.ts";

/** A config is a text in a text, where each quote takes two bytes more. */
const maxTermsBytes = 4 * maxConfigBytes;

export async function takeLoad(
  parts: UploadParts,
  model: string,
  {
    request,
    reply,
  }: { readonly request: Pick<FastifyRequest, "raw">; readonly reply: FastifyReply },
): Promise<void> {
  checkJsonType(request);
  const { raw } = request;
  checkUploadSize(declaredLength(raw, Number.POSITIVE_INFINITY), parts.maxUploadBytes);
  const load = new Load(parts, model);
  try {
    inviteBody(request, reply);
    const onBytes = (bytes: number) => checkUploadSize(bytes, parts.maxUploadBytes);
    const chunks = pacedBody(raw, { clock: parts.clock, pace: uploadPace, onBytes });
    await load.take(await readLoadBody(chunks, load, maxTermsBytes));
  } catch (thrown) {
    load.drop();
    throw thrown;
  }
  await load.carryOut();
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

  readonly onFile = async (key: string, content: AsyncIterable<Buffer>): Promise<void> => {
    const file = fileOf(key);
    this.#files = [...this.#files, file];
    const version = oneVersion(this.#files);
    this.#upload ??= await Upload.open(this.#parts);
    await this.#upload.store(file.name, content, { model: this.#model, version });
  };

  /** What is left of the body when its files are stored. */
  async take(text: string): Promise<void> {
    this.#config = judgeLoad(parseFields(text), this.#files.length);
    this.#upload?.settle(settleOverride);
    this.#upload?.tellProgress();
  }

  drop(): void {
    this.#upload?.drop();
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
    await this.#parts.ask({ type: "change", change }, changeWaiting);
  }
}
