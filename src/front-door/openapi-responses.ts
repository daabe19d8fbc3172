/* The `responses` of one operation: its success, and each status of its failures with the codes that come with it. */
import { type ErrorCode, errorCodes } from "../protocol/errors.ts";
import type { Operation } from "./openapi-operation.ts";
import type { Schema } from "./openapi-schema.ts";
import { httpStatus, retryHeaders } from "./statuses.ts";
import { tritonStatuses } from "./triton-refusal.ts";

/** What Node's parser, the router or the reading of a body may say, whatever the route. */
const anywhere: readonly ErrorCode[] = ["invalid-request", "request-timeout", "internal"];

export const errorSchema: Schema = {
  type: "object",
  required: ["error", "code", "request_id"],
  properties: {
    error: { type: "string" },
    code: { enum: errorCodes },
    request_id: { type: "string" },
  },
  additionalProperties: false,
};

/** Of routes under /v2 with `compat: { triton: true }`. */
export const tritonErrorSchema: Schema = {
  type: "object",
  required: ["error"],
  properties: { error: { type: "string" } },
  additionalProperties: false,
};

const errorRef = named("error");
const tritonErrorRef = named("triton_error");

const headerSchemas: Readonly<Record<string, Schema>> = {
  "x-request-id": { description: "As asked, or made here.", schema: { type: "string" } },
  "retry-after": {
    description: "Seconds until there should be room again.",
    schema: { type: "string", pattern: "^[1-9][0-9]*$" },
  },
  "retry-after-ms": {
    description: "The same in milliseconds.",
    schema: { type: "string", pattern: "^[1-9][0-9]*$" },
  },
  "inference-header-content-length": {
    description: "Bytes of JSON before the binary tensors; only where there are any.",
    schema: { type: "string", pattern: "^[0-9]+$" },
  },
};

/** In whose words a route refuses. */
export type Dialect = "troupe" | "triton";

export interface ResponseWords {
  readonly dialect: Dialect;
  /** The schemas by which Fastify writes, by status. */
  readonly written: Schema;
}

export function responsesOf(operation: Operation, { dialect, written }: ResponseWords): Schema {
  const { status = 200, isSilentInTriton } = operation;
  const isSilent = dialect === "triton" && isSilentInTriton === true;
  const responses: Record<string, Schema> = {};
  for (const [name, { status: failed }] of failuresOf(operation, dialect)) {
    responses[failed] = { $ref: `#/components/responses/${name}` };
  }
  if (isSilent) return { ...responses, "200": silent(operation), "400": unreadyInTriton };
  if (status !== null) responses[status] = success(operation, written["200"]);
  // A health check that says no has the body of one that says yes.
  if (written["503"] !== undefined) {
    responses["503"] = unready(written["503"], responses["503"] !== undefined);
  }
  return responses;
}

/** By the names that `responsesOf` gives them, as most routes fail in the same few ways. */
export function failureResponses(
  operations: readonly Operation[],
  dialects: readonly Dialect[],
): Schema {
  const failures = dialects.flatMap((dialect) =>
    operations.flatMap((operation) => [...failuresOf(operation, dialect)]),
  );
  return Object.fromEntries(failures.map(([name, failed]) => [name, failure(failed)]));
}

interface Failed {
  readonly status: number;
  readonly codes: readonly ErrorCode[];
  readonly dialect: Dialect;
}

const statusesOf: Readonly<Record<Dialect, (code: ErrorCode) => readonly number[]>> = {
  troupe: (code) => [httpStatus[code]],
  triton: tritonStatuses,
};

/** Before its path is known a request is refused in Troupe's words. */
const early: readonly Failed[] = [
  { status: 408, codes: ["request-timeout"], dialect: "troupe" },
  { status: 431, codes: ["payload-too-large"], dialect: "troupe" },
];

function failuresOf({ failures }: Operation, dialect: Dialect): ReadonlyMap<string, Failed> {
  const all = [...anywhere, ...failures];
  const statuses = new Set(all.flatMap(statusesOf[dialect]));
  const byStatus = [...statuses].map((status): Failed => {
    const codes = errorCodes.filter(
      (code) => all.includes(code) && statusesOf[dialect](code).includes(status),
    );
    return { status, codes, dialect };
  });
  return new Map([...byStatus, ...early].map((failed) => [nameOf(failed), failed]));
}

function nameOf({ status, codes, dialect }: Failed): string {
  return [...(dialect === "triton" ? [dialect] : []), status, ...codes].join(".");
}

function failure({ status, codes, dialect }: Failed): Schema {
  const retries = codes.every((code) => retryHeaders(code, undefined).length > 0);
  const mayRetry =
    codes.includes("conflict") || codes.some((code) => retryHeaders(code, undefined).length > 0);
  const names = ["x-request-id", ...(mayRetry ? ["retry-after", "retry-after-ms"] : [])];
  const required = (name: string) => name === "x-request-id" || retries;
  return {
    description: codes.join(", "),
    headers: headersOf(names, required),
    content: json(failureBody({ status, codes, dialect })),
  };
}

function failureBody({ status, codes, dialect }: Failed): Schema {
  const ours = { allOf: [errorRef, { properties: { code: { enum: codes } } }] };
  if (dialect === "troupe") return ours;
  return status === 400 ? { anyOf: [tritonErrorRef, ours] } : tritonErrorRef;
}

function silent({ summary }: Operation): Schema {
  return { description: summary, headers: headersOf(["x-request-id"]) };
}

/** Triton's check of the whole server has no body then, and that of a model has. */
const unreadyInTriton: Schema = {
  description: "Not ready, with the reason or without a body; or invalid-request, model-not-found",
  headers: headersOf(["x-request-id"]),
  content: json({ anyOf: [tritonErrorRef, errorRef] }),
};

/** Only a failure says when to try again. */
function unready(written: unknown, mayFail: boolean): Schema {
  const body = written as Schema;
  return {
    description: "Not ready: the reasons",
    headers: headersOf(["x-request-id", ...(mayFail ? ["retry-after", "retry-after-ms"] : [])]),
    content: json(mayFail ? { anyOf: [body, errorRef] } : body),
  };
}

function success({ summary, answer, status, body }: Operation, written: unknown): Schema {
  if (status === 101) return { description: "The connection is a WebSocket from here on" };
  const names = body === "v2" ? ["inference-header-content-length"] : [];
  return {
    description: summary,
    headers: headersOf(["x-request-id", ...names]),
    ...contentOf(answer, written),
  };
}

function contentOf(answer: Operation["answer"], written: unknown): Schema {
  const text = { schema: { type: "string" } };
  switch (answer) {
    case undefined:
      return { content: json((written ?? {}) as Schema) };
    case "empty":
      return {};
    case "metrics":
      return { content: { "text/plain": text, ...json(named("platform_metrics")) } };
    case "available_models":
      return { content: { ...json(named(answer)), "text/html": text } };
    case "page":
      return { content: { "text/html": text, "text/css": text, "text/javascript": text } };
    case "document":
      return { content: json({ type: "object", required: ["openapi", "info", "paths"] }) };
    case "v2_answer":
      return { content: { ...json(named(answer)), "application/octet-stream": {} } };
    default:
      return { content: json(named(answer)) };
  }
}

function named(answer: string): Schema {
  return { $ref: `#/components/schemas/${answer}` };
}

function json(schema: Schema): Schema {
  return { "application/json": { schema } };
}

function headersOf(
  names: readonly string[],
  isRequired: (name: string) => boolean = (name) => name === "x-request-id",
): Schema {
  return Object.fromEntries(
    names.map((name) => [name, { ...headerSchemas[name], required: isRequired(name) }]),
  );
}
