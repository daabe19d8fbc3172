import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { until } from "./until.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A connection on which the test writes HTTP by hand. */
export class RawClient {
  readonly socket: Socket;
  /** What has come that was not taken as an answer. */
  text = "";
  isEnded = false;

  constructor(t: TestContext, port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.setEncoding("latin1");
    this.socket.on("data", (chunk: string) => {
      this.text += chunk;
    });
    this.socket.on("error", () => undefined);
    for (const event of ["end", "close"]) {
      this.socket.on(event, () => {
        this.isEnded = true;
      });
    }
    t.after(() => this.socket.destroy());
  }

  write(...parts: readonly (string | Buffer)[]): void {
    for (const part of parts) this.socket.write(part);
  }

  has(words: string): Promise<void> {
    return until(() => this.text.includes(words), words);
  }

  ended(): Promise<void> {
    return until(() => this.isEnded, "the end of the connection");
  }

  /** The next answer, which declares its length. */
  async answer(): Promise<Answer> {
    await this.has("\r\n\r\n");
    const bodyAt = this.text.indexOf("\r\n\r\n") + 4;
    const [first = "", ...lines] = this.text.slice(0, bodyAt - 4).split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const end = bodyAt + Number(headers["content-length"] ?? 0);
    await until(() => this.text.length >= end, "the whole body");
    const body = this.text.slice(bodyAt, end);
    this.text = this.text.slice(end);
    return { status: Number(first.split(" ")[1]), headers, body };
  }
}

export function post(path: string, body: string, headers: readonly string[] = []): string {
  const length = `content-length: ${Buffer.byteLength(body)}`;
  return `${[`POST ${path} HTTP/1.1`, "host: x", length, ...headers].join("\r\n")}\r\n\r\n${body}`;
}

export function codeOf({ body }: Answer): string {
  return JSON.parse(body).code;
}
