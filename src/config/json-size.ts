/* Whether a value of JSON is small enough to be written as YAML: each key and value costs microseconds there. */

const maxNesting = 30;
const maxParts = 5_000;

/** What there is too much of; undefined where it is small enough. Looks no deeper than that, nor at more. */
export function judgeJsonSize(value: unknown): string | undefined {
  const parts = countParts(value, { levels: maxNesting, room: maxParts });
  if (parts === "too-deep") return `more than ${maxNesting} levels deep`;
  return parts > maxParts ? `more than ${maxParts} keys and values` : undefined;
}

interface Room {
  readonly levels: number;
  readonly room: number;
}

function countParts(value: unknown, { levels, room }: Room): number | "too-deep" {
  if (typeof value !== "object" || value === null) return 1;
  if (levels === 0) return "too-deep";
  let parts = Array.isArray(value) ? 1 : 1 + Object.keys(value).length;
  for (const inner of Object.values(value)) {
    if (parts > room) break;
    const more = countParts(inner, { levels: levels - 1, room: room - parts });
    if (more === "too-deep") return more;
    parts += more;
  }
  return parts;
}
