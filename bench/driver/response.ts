const headEnd = "\r\n\r\n";
const noBytes = Buffer.alloc(0);

interface ResponseHead {
  readonly status: number;
  /** Bytes of the whole response, head and body. */
  readonly length: number;
}

/** Undefined while the head is not whole. Only answers with a `content-length` can be read. */
function parseHead(bytes: Buffer): ResponseHead | undefined {
  const end = bytes.indexOf(headEnd);
  if (end === -1) return undefined;
  const head = bytes.toString("latin1", 0, end);
  const contentLength = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (contentLength === undefined) throw new Error("Cannot read answer: it has no content-length");
  return {
    status: Number(head.slice(9, 12)),
    length: end + headEnd.length + Number(contentLength),
  };
}

/** Reads the answers of one connection that has one request in flight; bodies are counted, not kept. */
export class ResponseReader {
  /** The beginning of a head that is not whole yet. */
  #headSoFar: Buffer = noBytes;
  #status = 0;
  #missing = 0;

  /** The status, once the answer is in whole. The chunk's memory may be reused afterwards. */
  push(chunk: Buffer): number | undefined {
    if (this.#missing > 0) return this.#count(chunk.length);
    const bytes = this.#headSoFar.length === 0 ? chunk : Buffer.concat([this.#headSoFar, chunk]);
    const head = parseHead(bytes);
    if (head === undefined) {
      this.#headSoFar = Buffer.from(bytes);
      return undefined;
    }
    this.#headSoFar = noBytes;
    this.#status = head.status;
    this.#missing = head.length;
    return this.#count(bytes.length);
  }

  #count(received: number): number | undefined {
    this.#missing -= received;
    if (this.#missing < 0) throw new Error("Cannot read answer: more bytes than its length says");
    return this.#missing === 0 ? this.#status : undefined;
  }
}
