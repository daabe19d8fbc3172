const taylorTerms = 16;

/**
 * e to the power of x, for x ≤ 0, out of basic arithmetic alone: engines may round Math.exp differently, and the
 * bytes of a trained model must not depend on the engine. Below -700 it is 0.
 */
export function exponential(x: number): number {
  if (x < -700) return 0;
  const halvings = Math.floor(-x / Math.LN2);
  const rest = x + halvings * Math.LN2;
  let term = 1;
  let sum = 1;
  for (let n = 1; n <= taylorTerms; n += 1) {
    term *= rest / n;
    sum += term;
  }
  for (let n = 0; n < halvings; n += 1) sum /= 2;
  return sum;
}

export function softmax(scores: ArrayLike<number>): number[] {
  const values = Array.from(scores);
  const largest = indexOfLargest(values);
  const powers = values.map((score) => exponential(score - (values[largest] ?? 0)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** The first of equals. */
export function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index += 1) {
    if ((values[index] ?? 0) > (values[best] ?? 0)) best = index;
  }
  return best;
}
