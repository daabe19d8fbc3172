import { seededRandom } from "../random.ts";
import { drawDigit } from "./draw.ts";

export interface DrawnDigit {
  readonly digit: number;
  /** Single-precision values, as the model gets them. */
  readonly image: Float64Array;
}

function drawDigits(count: number, seed: number): DrawnDigit[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const digit = index % 10;
    return { digit, image: Float64Array.from(drawDigit(digit, random)) };
  });
}

export function drawTraining(): DrawnDigit[] {
  return drawDigits(8000, 1);
}

/** None of these is shown in training. */
export function drawHeldOut(): DrawnDigit[] {
  return drawDigits(1000, 4);
}
