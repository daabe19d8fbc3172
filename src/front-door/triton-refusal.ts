/*
 * What Triton says where Troupe differs on purpose, with `compat: { triton: true }`: its HTTP front end maps ours onto
 * 400, 404, 500, 501 and 503, and its clients match on the beginnings of its texts.
 */
import type { ErrorCode, Failure } from "../protocol/errors.ts";

export interface TritonRefusal {
  readonly status: number;
  readonly error: string;
}

const statuses: Readonly<Record<ErrorCode, number>> = {
  "invalid-request": 400,
  unauthenticated: 401,
  forbidden: 403,
  "model-not-found": 404,
  "not-found": 404,
  "method-not-allowed": 405,
  "unsupported-media-type": 501,
  "not-implemented": 501,
  conflict: 400,
  "payload-too-large": 400,
  "storage-full": 503,
  "request-timeout": 400,
  "invalid-model": 400,
  "poison-request": 400,
  "rate-limited": 503,
  cancelled: 400,
  "inference-failed": 500,
  internal: 500,
  overloaded: 503,
  "model-unavailable": 503,
  "host-crashed": 503,
  "sequence-lost": 503,
  draining: 503,
  "deadline-exceeded": 503,
};

/** Of codes that have another status in some cases. */
const otherStatuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  "invalid-request": 500,
  "model-not-found": 400,
  "model-unavailable": 404,
};

/** All that `tritonRefusal` may answer a code with. */
export function tritonStatuses(code: ErrorCode): readonly number[] {
  const other = otherStatuses[code];
  return other === undefined ? [statuses[code]] : [statuses[code], other];
}

/** Of codes for which Triton has one text, whatever the reason. */
const texts: Partial<Readonly<Record<ErrorCode, string>>> = {
  "not-found": "Not Found",
  "method-not-allowed": "Method Not Allowed",
  overloaded: "Exceeds maximum queue size",
  "deadline-exceeded": "Request timeout expired",
  draining: "Server is stopping, scheduler for model has stopped accepting new inference requests",
};

/** Mistakes of clients that Triton takes for its own, and its tests expect it to; the beginnings of our texts are its. */
const internalMistakes = /^(?:Failed|Unable) to parse '(?:data|shape)'/;

/** So begins, for Triton's clients, whatever a load or an unload could not do. */
const failedChange = /^failed to (?:load|unload) '/;

export function tritonRefusal({ code, message }: Failure, url: string): TritonRefusal {
  if (failedChange.test(message)) {
    return { status: code === "model-not-found" ? 400 : statuses[code], error: message };
  }
  if (code === "model-not-found") return unknownModel(message, url);
  // Nothing of it could be loaded, or was.
  if (code === "model-unavailable" && message.startsWith("model '"))
    return unknownModel(message, url);
  if (code === "model-unavailable") {
    return {
      status: 503,
      error: `Request for unknown model: ${placeIn(url)} is not at ready state`,
    };
  }
  const isInternal = code === "invalid-request" && internalMistakes.test(message);
  return { status: isInternal ? 500 : statuses[code], error: texts[code] ?? message };
}

/** An unknown name is the client's mistake, an unknown version of a known one is not there. */
function unknownModel(message: string, url: string): TritonRefusal {
  const { model, version } = placeOf(url);
  const isNamed = !message.startsWith("no model");
  if (url.split("?")[0]?.endsWith("/stats")) {
    return { status: 400, error: `requested model '${model}' is not available` };
  }
  if (!isNamed) return { status: 400, error: `Request for unknown model: '${model}' is not found` };
  const what =
    version === undefined ? "has no available versions" : `version ${version} is not found`;
  return { status: 404, error: `Request for unknown model: '${model}' ${what}` };
}

interface Place {
  readonly model: string;
  readonly version: string | undefined;
}

/** Where the path has no model, the query may name one. */
function placeOf(url: string): Place {
  const [path = "", query = ""] = url.split("?");
  const parts = path.split("/");
  const at = parts.indexOf("models");
  if (at < 0) return { model: new URLSearchParams(query).get("model") ?? "", version: undefined };
  const version = parts[at + 2] === "versions" ? parts[at + 3] : undefined;
  return { model: decoded(parts[at + 1] ?? ""), version: version && decoded(version) };
}

function placeIn(url: string): string {
  const { model, version } = placeOf(url);
  return version === undefined ? `'${model}'` : `'${model}' version ${version}`;
}

/** The route has decoded it before. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
