/* A model as the form that `POST /models` takes. */
import { TroupeClientError } from "./client-error.ts";

export interface UploadFile {
  readonly name: string;
  /** `openAsBlob` of `node:fs`, or a file that was chosen in a browser, is read as it is sent. */
  readonly content: Blob | Uint8Array<ArrayBuffer>;
}

export interface Upload {
  readonly id: string;
  /** Without it one more than the largest number there is. */
  readonly version?: string | undefined;
  /** A model.yaml, as YAML or JSON. */
  readonly config?: string | undefined;
  /** The model, and beside it the files of weights that it names. */
  readonly files: readonly UploadFile[];
}

export interface UploadProgress {
  readonly sentBytes: number;
  readonly totalBytes: number;
}

export interface UploadForm {
  readonly type: string;
  readonly body: Blob;
}

/**
 * Names come before files, so that a version that is there already is refused before its bytes are sent. Throws
 * `invalid-request` for what would be sent as words about a file.
 */
export function formOf({ id, version, config, files }: Upload, boundary: string): UploadForm {
  const fields = Object.entries({ id, version, config }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${headOf(boundary, `name="${name}"`)}${value}\r\n`],
  );
  if (!Array.isArray(files) || !files.every(isFile)) {
    const words = "files must be a list of { name, content }, content a Blob or a Uint8Array";
    throw new TroupeClientError("invalid-request", words);
  }
  const parts = files.flatMap(({ name, content }) => [
    headOf(boundary, `name="file"; filename="${escaped(name)}"`),
    content,
    "\r\n",
  ]);
  const body = new Blob([...fields, ...parts, `--${boundary}--\r\n`]);
  return { type: `multipart/form-data; boundary=${boundary}`, body };
}

function isFile({ name, content }: Partial<UploadFile>): boolean {
  return typeof name === "string" && (content instanceof Blob || content instanceof Uint8Array);
}

function headOf(boundary: string, disposition: string): string {
  return `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n`;
}

/** As browsers do it: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data */
function escaped(name: string): string {
  return name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}
