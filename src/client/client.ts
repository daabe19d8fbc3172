/* What a program holds of a server; `node.ts` and `browser.ts` give it what is theirs. */
import type { HealthView, ModelView, TreeView, UploadedView } from "./answers.ts";
import { binaryCodec, binaryExtension } from "./binary-tensors.ts";
import { errorOfAnswer, TroupeClientError, textOf } from "./client-error.ts";
import { type FeedItem, type FeedOptions, readFeed } from "./event-feed.ts";
import { type CallOptions, Http, parseJson, urlUnder } from "./http.ts";
import type { InferCodec } from "./infer-messages.ts";
import { jsonCodec } from "./json-tensors.ts";
import { ModelHandle } from "./model-handle.ts";
import { cancelled } from "./patience.ts";
import type { Headers, Platform } from "./platform.ts";
import type { Connect } from "./socket-line.ts";
import { formOf, type Upload, type UploadProgress } from "./upload.ts";

export interface ClientOptions {
  /** Goes with every call as a bearer's token; not with WebSockets of browsers, which take no headers. */
  readonly apiKey?: string | undefined;
  /** How long a call may take, retries and all; a call may name its own. */
  readonly timeoutMs?: number | undefined;
}

export interface UploadOptions {
  readonly signal?: AbortSignal | undefined;
  onProgress?(progress: UploadProgress): void;
}

const usualTimeoutMs = 30_000;
const changeTimeoutMs = 600_000;

export class Client {
  readonly #url: URL;
  readonly #headers: Headers;
  readonly #http: Http;
  readonly #platform: Platform;
  #codec: Promise<InferCodec> | undefined;

  /** Throws `invalid-request` for a URL that is none of HTTP or holds a password, and a key that no header takes. */
  constructor(url: string | URL, { apiKey, timeoutMs }: ClientOptions, platform: Platform) {
    this.#url = parseUrl(String(url));
    this.#headers = apiKey === undefined ? {} : { authorization: `Bearer ${checkKey(apiKey)}` };
    this.#platform = platform;
    this.#http = new Http({
      url: this.#url,
      headers: this.#headers,
      timeoutMs: timeoutMs ?? usualTimeoutMs,
    });
  }

  /** Asks nothing yet; without a version the server's default answers. */
  model(name: string, version?: string): ModelHandle {
    const parts = {
      http: this.#http,
      codec: () => this.#chooseCodec(),
      connectTo: (path: string) => this.#connectTo(path),
      changeTimeoutMs,
    };
    return new ModelHandle(parts, name, version);
  }

  async models(options: CallOptions = {}): Promise<readonly ModelView[]> {
    const { models } = (await this.#read("/models", options)) as { models: readonly ModelView[] };
    return models;
  }

  health(options: CallOptions = {}): Promise<HealthView> {
    return this.#read("/health", options) as Promise<HealthView>;
  }

  /** Every process and how it fares. */
  tree(options: CallOptions = {}): Promise<TreeView> {
    return this.#read("/supervisor", options) as Promise<TreeView>;
  }

  /** What happens to models, hosts and changes, until the signal aborts or the loop is left. */
  events(options: FeedOptions = {}): AsyncGenerator<FeedItem, void, undefined> {
    return readFeed((query) => this.#connectTo(`/events${query}`), options);
  }

  /** Resolves when the new version serves. It is never sent twice, and has no deadline but the signal's. */
  async upload(upload: Upload, options: UploadOptions = {}): Promise<UploadedView> {
    const { signal } = options;
    const { type, body } = formOf(upload, `troupe-${crypto.randomUUID()}`);
    const answer = await this.#platform
      .sendForm({
        url: urlUnder(this.#url, "/models").href,
        headers: { ...this.#headers, "content-type": type },
        body,
        signal,
        onSent: (sentBytes) => options.onProgress?.({ sentBytes, totalBytes: body.size }),
      })
      .catch((thrown: unknown) => {
        throw signal?.aborted === true ? cancelled(signal) : thrown;
      });
    if (answer.status >= 300) throw errorOfAnswer(answer);
    return parseJson(textOf(answer.body)) as UploadedView;
  }

  #read(path: string, options: CallOptions): Promise<unknown> {
    return this.#http.json({ method: "GET", path, repeatable: "anything", ...options });
  }

  #connectTo(path: string): Connect {
    const url = urlUnder(this.#url, path);
    url.protocol = url.protocol.replace("http", "ws");
    return (listeners) => this.#platform.openSocket(url.href, this.#headers, listeners);
  }

  /** The server is asked once; where that fails, the next call asks again. */
  #chooseCodec(): Promise<InferCodec> {
    this.#codec ??= this.#findCodec().catch((thrown: unknown) => {
      this.#codec = undefined;
      throw thrown;
    });
    return this.#codec;
  }

  async #findCodec(): Promise<InferCodec> {
    const { extensions } = (await this.#read("/v2", {})) as { extensions?: readonly string[] };
    return extensions?.includes(binaryExtension) === true ? binaryCodec : jsonCodec;
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const words = `the server's URL must be one of http or https, got '${text}'`;
    throw new TroupeClientError("invalid-request", words);
  }
  if (url.username !== "" || url.password !== "") {
    const words =
      "the server's URL must hold no user and password: apiKey is for what opens a server";
    throw new TroupeClientError("invalid-request", words);
  }
  return url;
}

/** What `fetch` would refuse at each call, as if nobody were there. */
function checkKey(apiKey: string): string {
  if (/^[ -~\u0080-\u00ff]*$/.test(apiKey)) return apiKey;
  const words = "apiKey must hold only characters that a header takes, and no line's end";
  throw new TroupeClientError("invalid-request", words);
}
