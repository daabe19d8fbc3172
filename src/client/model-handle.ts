/* One model of a server, or one version of it: calls are written here, and made by `Http`. */
import type { ModelMetadata, ModelView, PredictAnswer } from "./answers.ts";
import { binaryCodec } from "./binary-tensors.ts";
import { orUnexpected, textOf } from "./client-error.ts";
import { type Features, textOfFeatures, textOfInputs } from "./features.ts";
import { type Call, type CallOptions, type Http, parseJson } from "./http.ts";
import type { InferAnswer, InferCodec } from "./infer-messages.ts";
import type { Connect } from "./socket-line.ts";
import type { StreamedModel } from "./stream-frames.ts";
import { type StreamOptions, StreamSession } from "./stream-session.ts";
import { checkTensors, type Inputs } from "./typed-tensors.ts";

export interface PredictOptions extends CallOptions {
  readonly priority?: "normal" | "low" | undefined;
}

export interface InferOptions extends PredictOptions {
  readonly id?: string | undefined;
  /** Names of the outputs that are wanted; all of them without it. */
  readonly outputs?: readonly string[] | undefined;
  /** Such as `sequence_id`; a request of a sequence is not sent twice. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>> | undefined;
}

export interface ModelParts {
  readonly http: Http;
  readonly codec: () => Promise<InferCodec>;
  readonly connectTo: (path: string) => Connect;
  /** Loading a large model takes as long as it takes. */
  readonly changeTimeoutMs: number;
}

type Change = "load" | "unload" | "restart";

export class ModelHandle {
  readonly #parts: ModelParts;
  readonly #name: string;
  readonly #version: string | undefined;

  constructor(parts: ModelParts, name: string, version: string | undefined) {
    this.#parts = parts;
    this.#name = name;
    this.#version = version;
  }

  /** One row, a list of rows, or each input by its name. */
  async predict(
    input: Features | Readonly<Record<string, Features>>,
    options: PredictOptions = {},
  ): Promise<PredictAnswer> {
    const body = isByName(input)
      ? `{"inputs":${textOfInputs(input)}}`
      : `{"features":${textOfFeatures(input)}}`;
    const path = `/predict/${this.#path}`;
    const { body: answer } = await this.#ask(path, { body }, options);
    return parseJson(textOf(answer)) as PredictAnswer;
  }

  /** By the Open Inference Protocol V2, in binary where the server takes it. */
  async infer(inputs: Inputs, options: InferOptions = {}): Promise<InferAnswer> {
    const checked = checkTensors(inputs);
    const { id, outputs, parameters } = options;
    const codec = await this.#parts.codec();
    const written = codec.write({ id, inputs: checked, outputs, parameters });
    const answer = await this.#ask(`/v2/models/${this.#path}/infer`, written, options);
    return orUnexpected(() => codec.read(answer));
  }

  /** A WebSocket on which many requests are in flight, and models that remember do so. */
  stream(options: StreamOptions = {}): StreamSession {
    const connect = this.#parts.connectTo(`/v2/models/${this.#path}/stream`);
    return new StreamSession(
      { connect, describe: (signal) => this.#describe({ signal }) },
      options,
    );
  }

  metadata(options: CallOptions = {}): Promise<ModelMetadata> {
    return this.#read(`/v2/models/${this.#path}`, options);
  }

  /** What its folder holds, and how it fares; of all versions, whatever the handle names. */
  view(options: CallOptions = {}): Promise<ModelView> {
    return this.#read(`/models/${encodeURIComponent(this.#name)}`, options);
  }

  load(options: CallOptions = {}): Promise<ModelView> {
    return this.#change("load", options);
  }

  unload(options: CallOptions = {}): Promise<ModelView> {
    return this.#change("unload", options);
  }

  restart(options: CallOptions = {}): Promise<ModelView> {
    return this.#change("restart", options);
  }

  get #path(): string {
    const name = encodeURIComponent(this.#name);
    return this.#version === undefined
      ? name
      : `${name}/versions/${encodeURIComponent(this.#version)}`;
  }

  async #describe({ signal }: StreamOptions): Promise<StreamedModel> {
    // Whoever opens the connection tries again: two who do would wait for the product of both.
    const metadata = await this.#read<ModelMetadata>(`/v2/models/${this.#path}`, {
      signal,
      repeatable: "nothing",
    });
    const codec = await this.#parts.codec();
    return {
      isStateful: metadata.parameters?.sequence !== undefined,
      outputs: metadata.outputs.map(({ name }) => name),
      takesBinary: codec === binaryCodec,
    };
  }

  #read<View>(
    path: string,
    options: CallOptions & Partial<Pick<Call, "repeatable">>,
  ): Promise<View> {
    const call = { method: "GET", path, repeatable: "anything", ...options } as const;
    return this.#parts.http.json(call) as Promise<View>;
  }

  #ask(
    path: string,
    { body, headers = {} }: Partial<ReturnType<InferCodec["write"]>>,
    { priority, timeoutMs, signal, parameters }: InferOptions,
  ) {
    const isOfSequence = parameters?.["sequence_id"] !== undefined;
    return this.#parts.http.call({
      method: "POST",
      path,
      timeoutMs,
      signal,
      ...(body === undefined ? {} : { body }),
      headers: {
        "content-type": "application/json",
        ...headers,
        ...(priority === undefined ? {} : { "x-priority": priority }),
      },
      repeatable: isOfSequence ? "refusals" : "anything",
      tellsDeadline: true,
    });
  }

  #change(change: Change, { timeoutMs, signal }: CallOptions): Promise<ModelView> {
    const query =
      this.#version === undefined ? "" : `?version=${encodeURIComponent(this.#version)}`;
    return this.#parts.http.json({
      method: "POST",
      path: `/models/${encodeURIComponent(this.#name)}/${change}${query}`,
      repeatable: "refusals",
      timeoutMs: timeoutMs ?? this.#parts.changeTimeoutMs,
      signal,
    }) as Promise<ModelView>;
  }
}

function isByName(
  input: Features | Readonly<Record<string, Features>>,
): input is Readonly<Record<string, Features>> {
  return typeof input === "object" && !Array.isArray(input) && !ArrayBuffer.isView(input);
}
