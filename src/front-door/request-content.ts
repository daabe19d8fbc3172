/* What the head of a prediction says of its body: how it is packed, and which wire format it is in. */
import type { IncomingHttpHeaders } from "node:http";
import { lengthPrefix } from "../protocol/binary-body.ts";
import { TroupeError } from "../protocol/errors.ts";
import type { CodecName } from "../protocol/frames.ts";
import { codingOf } from "./content-coding.ts";
import type { PredictPath } from "./predict-path.ts";
import type { BodyForm } from "./request-body.ts";

export interface RequestContent extends BodyForm {
  readonly codec: CodecName;
  /** How much of the body is JSON; null where all of it is. */
  readonly jsonBytes: number | null;
}

/** Throws `unsupported-media-type` or `invalid-request`, naming the header. */
export function contentOf(
  headers: IncomingHttpHeaders,
  codec: PredictPath["codec"],
): RequestContent {
  const coding = codingOf(headers["content-encoding"]);
  const jsonBytes = jsonBytesIn(headers["inference-header-content-length"]);
  checkType(headers["content-type"], jsonBytes !== null);
  if (jsonBytes === null) return { coding, prefix: null, codec, jsonBytes };
  if (codec !== "v2") {
    throw new TroupeError(
      "invalid-request",
      "inference-header-content-length is a header of POST /v2/models/{model}/infer, this route takes JSON",
    );
  }
  if (jsonBytes === 0) return { coding, prefix: null, codec: "v2-raw", jsonBytes };
  return { coding, prefix: lengthPrefix(jsonBytes), codec: "v2-binary", jsonBytes };
}

const mostJsonBytes = 2 ** 31 - 1;

/** Whether the body is as long as that, the host says. */
function jsonBytesIn(header: string | readonly string[] | undefined): number | null {
  if (header === undefined) return null;
  const text = String(header).trim();
  if (!/^-?\d+$/.test(text)) {
    throw new TroupeError(
      "invalid-request",
      `Unable to parse Inference-Header-Content-Length, got: ${text.slice(0, 40)}, expected a number of bytes`,
    );
  }
  const bytes = Number(text);
  if (bytes >= 0 && bytes <= mostJsonBytes) return bytes;
  throw new TroupeError(
    "invalid-request",
    `inference header size should be in range (0, ${mostJsonBytes}), got: ${text.slice(0, 40)}`,
  );
}

/** `curl -d` says form, many clients say nothing: only what surely is neither JSON nor binary tensors is refused. */
function checkType(type: string | undefined, isBinary: boolean): void {
  if (type === undefined || /json|^text\/|x-www-form-urlencoded/i.test(type)) return;
  if (isBinary && /octet-stream/i.test(type)) return;
  const words = isBinary
    ? `content-type must be application/octet-stream, got '${type}'`
    : `content-type must be application/json, or application/octet-stream with Inference-Header-Content-Length, got '${type}'`;
  throw new TroupeError("unsupported-media-type", words);
}
