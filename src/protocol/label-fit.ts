import type { ModelMetadata } from "./model-metadata.ts";

/**
 * Why labels name the classes of no output: none has, or may have, as many scores in a row. Null where one has, and where
 * there are no labels.
 */
export function labelFault(
  labels: readonly string[],
  { outputs }: Pick<ModelMetadata, "outputs">,
): string | null {
  if (labels.length === 0) return null;
  // What stands along the batch axis belongs to different requests.
  const rows = outputs.filter(
    ({ shape, batchAxis }) => shape.length > 0 && batchAxis !== shape.length - 1,
  );
  const fits = ({ shape }: (typeof rows)[number]) =>
    [-1, labels.length].includes(shape.at(-1) ?? -1);
  if (rows.some(fits)) return null;
  const came = rows.map(({ name, shape }) => `'${name}' has ${shape.at(-1)}`).join(", ") || "none";
  return `labels names ${labels.length} classes, but no output has as many scores: ${came}`;
}
