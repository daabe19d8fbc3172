/* The parameters and the body of one operation. */
import { codings } from "./content-coding.ts";
import { configPatch } from "./openapi-config.ts";
import type { Operation, RequestForm } from "./openapi-operation.ts";
import { anyObject, nullableText, type Schema, text } from "./openapi-schema.ts";

const headers: Readonly<Record<string, Schema>> = {
  "X-Request-Id": { description: "Kept when it is well-formed, else one is made.", schema: text },
  "X-Request-Timeout-Ms": {
    description: "The caller's patience; past it the answer is 504.",
    schema: { type: "integer", minimum: 1, maximum: 999_999_999 },
  },
  "X-Priority": {
    description: "Low gives way first; high will need a key, and is refused.",
    schema: { enum: ["normal", "low"] },
  },
  "Content-Encoding": {
    description: "What the body is packed in.",
    schema: { enum: [...codings, "identity"] },
  },
  "Inference-Header-Content-Length": {
    description: "Bytes of JSON before the binary tensors; 0 where the body is one tensor.",
    schema: { type: "integer", minimum: 0 },
  },
};

const headersOfBody: Partial<Record<RequestForm, readonly string[]>> = {
  predict: ["X-Request-Timeout-Ms", "X-Priority", "Content-Encoding"],
  nexus: ["X-Request-Timeout-Ms", "X-Priority", "Content-Encoding"],
  platform: ["X-Request-Timeout-Ms", "X-Priority", "Content-Encoding"],
  platform_batch: ["X-Request-Timeout-Ms", "X-Priority", "Content-Encoding"],
  v2: ["X-Request-Timeout-Ms", "X-Priority", "Content-Encoding", "Inference-Header-Content-Length"],
};

export function parametersOf(path: string, operation: Operation): readonly Schema[] {
  const { query = [], needed = [], body } = operation;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const own = body === undefined ? [] : (headersOfBody[body] ?? []);
  return [
    ...names.map((name) => ({ name, in: "path", required: true, schema: text })),
    ...needed.map((name) => ({ name, in: "query", required: true, schema: text })),
    ...query.map((name) => ({ name, in: "query", schema: text })),
    ...["X-Request-Id", ...own].map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ];
}

/** By the names that `parametersOf` gives them. */
export const headerParameters: Schema = Object.fromEntries(
  Object.entries(headers).map(([name, header]) => [name, { name, in: "header", ...header }]),
);

const form = {
  type: "object",
  properties: {
    id: text,
    name: text,
    version: text,
    config: text,
    file: { type: "string", contentMediaType: "application/octet-stream" },
    model: { type: "string", contentMediaType: "application/octet-stream" },
  },
};

const nullableObject = { type: ["object", "null"] };

/** Of the inference platform, whose clients send null for what they leave out. */
const platform = {
  type: "object",
  properties: {
    ...{ model: nullableText, version: nullableText, parameters: nullableObject },
    features: { type: ["array", "number", "string", "boolean", "null"] },
    inputs: { type: ["object", "array", "null"] },
    text: { type: "null", description: "Until there are models of text" },
  },
  anyOf: [
    { required: ["features"], properties: { features: { not: { type: "null" } } } },
    { required: ["inputs"], properties: { inputs: { not: { type: "null" } } } },
  ],
};

/** Of no model in particular. */
const general = {
  predict: {
    type: "object",
    oneOf: [{ required: ["features"] }, { required: ["inputs"] }],
  },
  v2: { type: "object", required: ["inputs"], properties: { inputs: { type: "array" } } },
  nexus: {
    type: "object",
    required: ["model_id", "features"],
    properties: { model_id: text, request_id: nullableText, features: { type: "array" } },
  },
  platform,
  platform_batch: {
    type: "object",
    required: ["requests"],
    properties: { requests: { type: "array", minItems: 1, maxItems: 100, items: platform } },
  },
  patch: configPatch,
  fields: anyObject,
  upload: form,
} as const satisfies Record<RequestForm, Schema>;

/** `own` is the schema of one model's body, and an example of it. */
export function requestBodyOf(body: RequestForm, own: Schema = { schema: general[body] }): Schema {
  const type = body === "upload" ? "multipart/form-data" : "application/json";
  const binary = body === "v2" ? { "application/octet-stream": {} } : {};
  return { required: body !== "fields", content: { [type]: own, ...binary } };
}
