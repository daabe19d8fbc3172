import { seededRandom } from "../../models/random.ts";

/** Long enough that the rarest of a hundred comes some thirty times, short enough to stay in a cache. */
const drawn = 16_384;

/** By Zipf's law the one in place n is taken 1/n as often as the first. Each call gives the next, always the same ones. */
export function byPopularity<T>(choices: readonly T[]): () => T {
  const [first, ...others] = choices;
  if (first === undefined) throw new Error("Cannot choose: there is nothing to choose from");
  if (others.length === 0) return () => first;
  const order = drawPlaces(choices.length);
  let taken = 0;
  return () => {
    const place = order[taken % drawn] ?? 0;
    taken += 1;
    return choices[place] ?? first;
  };
}

function drawPlaces(count: number): Uint16Array {
  const random = seededRandom(1);
  let sum = 0;
  const sums = Float64Array.from({ length: count }, (_, place) => {
    sum += 1 / (place + 1);
    return sum;
  });
  return Uint16Array.from({ length: drawn }, () => {
    const at = random() * sum;
    return sums.findIndex((upTo) => at < upTo);
  });
}
