import type { Dialogue, Heard } from "./dialogue.ts";
import type { Job } from "./message.ts";
import { ResponseReader } from "./response.ts";

export function requestBytes(
  { port, headers, body }: Pick<Job, "port" | "headers" | "body">,
  path: string,
): Buffer {
  const bytes = Buffer.from(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${bytes.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]);
}

export class HttpDialogue implements Dialogue {
  readonly greeting = undefined;
  readonly request: () => Buffer;
  readonly #reader = new ResponseReader();

  /** `request` gives the next one to send. */
  constructor(request: () => Buffer) {
    this.request = request;
  }

  hear(chunk: Buffer): readonly Heard[] {
    const status = this.#reader.push(chunk);
    return status === undefined ? [] : [{ type: "answer", lane: 0, status }];
  }
}
