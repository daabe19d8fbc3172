/* A small HTTP client for tests: it shows statuses, headers and resets as they are, and never tries again. */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";

export interface Reply<Body> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed text; reading it throws where that is no JSON. */
  readonly json: Body;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes and text go as they are, anything else as JSON. */
  readonly body?: unknown;
  /** False takes a connection of its own. */
  readonly agent?: Agent | false;
  readonly signal?: AbortSignal;
  /** Sends the body without its length. */
  readonly chunked?: boolean;
}

/** What a prediction answers, or an error's body in its stead. */
export interface Answer {
  readonly model: string;
  readonly version: string;
  readonly predictions: unknown;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly labels: readonly { readonly label: string; readonly score: number }[];
  readonly warnings: readonly string[];
  readonly request_id: string;
  readonly error: string;
  readonly code: string;
}

const patienceMs = 60_000;

export function keepAliveAgent(maxSockets = Number.POSITIVE_INFINITY): Agent {
  return new Agent({ keepAlive: true, maxSockets });
}

export interface BinaryReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Rejects where the connection fails, with Node's own error. */
export async function send<Body = Answer>(url: string, ask: Ask): Promise<Reply<Body>> {
  return replyOf<Body>(await sendForBytes(url, ask));
}

/** The same, for an answer that is no text. */
export function sendForBytes(url: string, ask: Ask): Promise<BinaryReply> {
  return new Promise((resolve, reject) => {
    const { method = "GET", path, agent = false, signal } = ask;
    const body = bytesOf(ask.body);
    const length = body === undefined || ask.chunked ? {} : { "content-length": body.length };
    const headers = { ...length, ...ask.headers };
    const options = { method, headers, agent, timeout: patienceMs, ...(signal && { signal }) };
    const outgoing = request(new URL(url).origin, { ...options, path }, (incoming) => {
      const { statusCode: status = 0, headers } = incoming;
      gather(incoming).then((body) => resolve({ status, headers, body }), reject);
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

async function gather(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function replyOf<Body>({ status, headers, body }: BinaryReply): Reply<Body> {
  const text = body.toString("utf8");
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text) as Body;
    },
  };
}

/** The code of a connection's failure, as ECONNREFUSED. */
export function failureCode(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
}
