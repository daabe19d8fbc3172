/** Elements nested as the shape is, as Troupe's JSON has them. */
export function nest<T>(data: readonly T[], shape: readonly number[]): unknown {
  const [, ...inner] = shape;
  if (shape.length === 0) return data[0];
  if (inner.length === 0) return data;
  const size = inner.reduce((product, one) => product * one, 1);
  const [rows = 0] = shape;
  return Array.from({ length: rows }, (_, at) =>
    nest(data.slice(at * size, (at + 1) * size), inner),
  );
}
