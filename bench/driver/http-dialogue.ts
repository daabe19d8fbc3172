import type { Dialogue, Heard } from "./dialogue.ts";
import type { Job } from "./message.ts";
import { ResponseReader } from "./response.ts";

export function requestBytes({ port, path, body }: Job): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}

export class HttpDialogue implements Dialogue {
  readonly greeting = undefined;
  readonly request: Buffer;
  readonly #reader = new ResponseReader();

  constructor(request: Buffer) {
    this.request = request;
  }

  hear(chunk: Buffer): readonly Heard[] {
    const status = this.#reader.push(chunk);
    return status === undefined ? [] : [{ type: "answer", status }];
  }
}
