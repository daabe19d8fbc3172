/* What clients accept, and how much they like it (RFC 9110, section 12.4.2). */

/** In the header's order: `gzip;q=0.8, *` as 0.8 for gzip and 1 for the others. */
export function acceptWeights(header: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of header.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
    weights.set(name, Number(weight) || 0);
  }
  return weights;
}
