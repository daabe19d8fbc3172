/* Multipart forms for tests, made by hand so that they can be wrong, and sent whole or piece by piece. */
import { type ClientRequest, type IncomingMessage, request } from "node:http";

export interface Part {
  readonly field: string;
  /** Of a file. */
  readonly file?: string;
  readonly content: string | Uint8Array;
}

const boundary = "----troupe-test-boundary";

export const formHeaders = { "content-type": `multipart/form-data; boundary=${boundary}` };

export function formOf(parts: readonly Part[]): Buffer {
  return Buffer.concat([...parts.flatMap(bytesOf), Buffer.from(`--${boundary}--\r\n`)]);
}

function bytesOf(part: Part): readonly Buffer[] {
  const content = Buffer.from(part.content as Uint8Array);
  return [Buffer.from(headOf(part)), content, Buffer.from("\r\n")];
}

function headOf({ field, file }: Part): string {
  const name = file === undefined ? "" : `; filename="${file}"`;
  return `--${boundary}\r\ncontent-disposition: form-data; name="${field}"${name}\r\n\r\n`;
}

/** The parts of an upload, the file last. */
export function uploadParts(
  fields: Readonly<Record<string, string>>,
  ...files: readonly (readonly [string, Uint8Array])[]
): readonly Part[] {
  return [
    ...Object.entries(fields).map(([field, content]) => ({ field, content })),
    ...files.map(([file, content]) => ({ field: "file", file, content })),
  ];
}

/** A request whose body is held open: the caller says when it goes on. */
export class HeldUpload {
  readonly status: Promise<number>;
  readonly #outgoing: ClientRequest;
  readonly #rest: Buffer;

  /** Sends what comes before the last `held` bytes of the form. */
  constructor(url: string, form: Buffer, held: number) {
    const headers = { ...formHeaders, "content-length": form.length };
    const outgoing = request(new URL("/models", url), { method: "POST", headers, agent: false });
    this.status = new Promise((resolve, reject) => {
      outgoing.on("response", (incoming: IncomingMessage) => {
        incoming.resume();
        resolve(incoming.statusCode ?? 0);
      });
      outgoing.on("error", reject);
    });
    this.status.catch(() => undefined);
    outgoing.write(form.subarray(0, form.length - held));
    this.#outgoing = outgoing;
    this.#rest = form.subarray(form.length - held);
  }

  finish(): void {
    this.#outgoing.end(this.#rest);
  }

  /** As a client that crashes. */
  leave(): void {
    this.#outgoing.destroy();
  }
}
