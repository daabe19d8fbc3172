/* What the plain routes answer, as JSON Schema: Fastify writes by them, so that no field leaves that is not here. */

const text = { type: "string" } as const;
const texts = { type: "array", items: text } as const;
const flag = { type: "boolean" } as const;
const nullableText = { type: ["string", "null"] } as const;

function object<Properties extends object>(properties: Properties) {
  return { type: "object", required: Object.keys(properties), properties } as const;
}

const readiness = object({ ready: flag, live: flag, reasons: texts });

const oneModelReadiness = object({ name: text, ready: flag, reasons: texts });

export const modelReadiness = { 200: oneModelReadiness, 503: oneModelReadiness };

const modelInList = object({
  name: text,
  problem: nullableText,
  versions: {
    type: "array",
    items: object({
      version: text,
      state: text,
      reason: nullableText,
      hosts: { type: "integer" },
    }),
  },
});

const tensor = object({
  name: text,
  datatype: text,
  shape: { type: "array", items: { type: "integer" } },
});
const tensors = { type: "array", items: tensor } as const;

export const liveness = { 200: object({ live: flag }) };

export const serverReadiness = { 200: readiness, 503: readiness };

export const health = {
  200: object({
    status: { type: "string", enum: ["ok", "degraded"] },
    reasons: texts,
    changes_refused: nullableText,
    version: text,
    uptime_seconds: { type: "integer" },
    timestamp: text,
    models: { type: "array", items: modelInList },
    loaded_models: texts,
    max_workers: { type: "integer" },
    models_loaded: texts,
  }),
};

export const serverMetadata = { 200: object({ name: text, version: text, extensions: texts }) };

export const modelList = { 200: object({ models: { type: "array", items: modelInList } }) };

export const modelMetadata = {
  200: object({
    name: text,
    versions: texts,
    platform: text,
    inputs: tensors,
    outputs: tensors,
    parameters: { type: "object", additionalProperties: true },
  }),
};
