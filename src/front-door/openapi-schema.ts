/* What schemas of the OpenAPI document are made of. */

export type Schema = Readonly<Record<string, unknown>>;

export const text = { type: "string" };
export const nullableText = { type: ["string", "null"] };
export const flag = { type: "boolean" };
export const count = { type: "integer", minimum: 0 };
export const nullableCount = { type: ["integer", "null"], minimum: 0 };
export const number = { type: "number" };
export const nullableNumber = { type: ["number", "null"] };
export const anyObject = { type: "object" };

/** All fields are always there, but for those named in `optional`, and no others are. */
export function whole(properties: Schema, optional: Schema = {}): Schema {
  return {
    type: "object",
    required: Object.keys(properties),
    properties: { ...properties, ...optional },
    additionalProperties: false,
  };
}

export function list(items: Schema): Schema {
  return { type: "array", items };
}

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}
