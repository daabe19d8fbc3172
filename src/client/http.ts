/* Calls over HTTP: it owns their deadlines and retries, and leaves what is in a body to others. */
import { errorOfAnswer, type RawAnswer, TroupeClientError, textOf } from "./client-error.ts";
import { type Patience, patienceOf, pause } from "./patience.ts";
import type { Headers } from "./platform.ts";
import { judgeRetry, type Repeatable, RetryBudget } from "./retries.ts";

export interface CallOptions {
  /** How long the whole call may take, retries and all; without it the client's own. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Call extends CallOptions {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Headers;
  readonly repeatable: Repeatable;
  /** Tells the server the deadline too, so that it does not run what nobody waits for. */
  readonly tellsDeadline?: boolean;
}

export interface HttpOptions {
  readonly url: URL;
  readonly headers: Headers;
  readonly timeoutMs: number;
}

export class Http {
  readonly #options: HttpOptions;
  readonly #budget = new RetryBudget();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** Rejects with a TroupeClientError for every answer that is no success. */
  async call(call: Call): Promise<RawAnswer> {
    const patience = patienceOf(call.timeoutMs ?? this.#options.timeoutMs, call.signal);
    for (let retries = 0; ; retries += 1) {
      const outcome = await this.#try(call, patience);
      if (!(outcome instanceof TroupeClientError)) {
        this.#budget.earn();
        return outcome;
      }
      const { repeatable } = call;
      const attempt = { retries, repeatable, remainingMs: patience.remainingMs() };
      const verdict = judgeRetry(outcome, attempt, Math.random);
      if (verdict.type === "give-up" || !this.#budget.spend()) throw outcome;
      await pause(verdict.delayMs, patience.signal);
    }
  }

  async json(call: Call): Promise<unknown> {
    const { body } = await this.call(call);
    return body.length === 0 ? undefined : parseJson(textOf(body));
  }

  async #try(call: Call, patience: Patience): Promise<RawAnswer | TroupeClientError> {
    const over = patience.error();
    if (over !== undefined) return over;
    try {
      const answer = await this.#send(call, patience);
      return answer.status < 300 ? answer : errorOfAnswer(answer);
    } catch (thrown) {
      return patience.error() ?? unreachable(this.#options.url, thrown);
    }
  }

  async #send(call: Call, { signal, remainingMs }: Patience): Promise<RawAnswer> {
    const { method, path, body = null, headers, tellsDeadline = false } = call;
    const timeout = String(Math.max(1, Math.floor(remainingMs())));
    const response = await fetch(urlUnder(this.#options.url, path), {
      method,
      body,
      signal,
      headers: {
        ...this.#options.headers,
        ...headers,
        ...(tellsDeadline ? { "x-request-timeout-ms": timeout } : {}),
      },
    });
    return {
      status: response.status,
      body: new Uint8Array(await response.arrayBuffer()),
      header: (name) => response.headers.get(name),
    };
  }
}

/** A server may stand under a path of a proxy's. */
export function urlUnder(base: URL, path: string): URL {
  return new URL(base.pathname.replace(/\/$/, "") + path, base);
}

export function unreachable(url: URL, cause: unknown): TroupeClientError {
  return new TroupeClientError("unreachable", `cannot reach ${url.origin}: ${whyOf(cause)}`, {
    cause,
  });
}

/** Node's fetch says only that it failed, and has the reason as its cause. */
function whyOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { cause } = thrown;
  if (!(cause instanceof Error)) return thrown.message;
  return "code" in cause && cause.message === "" ? String(cause.code) : cause.message;
}

/** Throws `unexpected-answer`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new TroupeClientError("unexpected-answer", "expected JSON as the answer", { cause });
  }
}
