/** Draws one image of a digit: a shape is bent, slanted, scaled and shifted, then inked with a pen of some thickness. */
import { between, type Random } from "../random.ts";
import { type Point, type Stroke, shapes } from "./strokes.ts";

/** Pixels along an edge. */
export const imageSize = 28;

interface Hand {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** How far x moves while y goes from the top to the bottom, in widths of the digit; and the other way round. */
  readonly slant: number;
  readonly tilt: number;
  /** In pixels. */
  readonly penRadius: number;
  readonly ink: number;
  readonly noise: number;
}

function chooseHand(random: Random): Hand {
  const height = between(random, 14, 22);
  const width = height * between(random, 0.45, 0.85);
  return {
    height,
    width,
    left: (imageSize - width) / 2 + between(random, -2.5, 2.5),
    top: (imageSize - height) / 2 + between(random, -2.5, 2.5),
    slant: between(random, -0.45, 0.25),
    tilt: between(random, -0.12, 0.12),
    penRadius: between(random, 0.6, 1.9),
    ink: between(random, 0.6, 1),
    noise: between(random, 0, 0.35),
  };
}

/** Chaikin's corner cutting: each corner gives way to two points, a quarter along the edges beside it. */
function cutCorners(points: readonly Point[], closed: boolean): Point[] {
  const cut = points.flatMap(([x, y], index): Point[] => {
    const next = points[index + 1] ?? (closed ? points[0] : undefined);
    if (next === undefined) return [];
    return [
      [0.75 * x + 0.25 * next[0], 0.75 * y + 0.25 * next[1]],
      [0.25 * x + 0.75 * next[0], 0.25 * y + 0.75 * next[1]],
    ];
  });
  const ends = closed
    ? { first: [], last: [] }
    : { first: points.slice(0, 1), last: points.slice(-1) };
  return [...ends.first, ...cut, ...ends.last];
}

function flatten({ kind, points }: Stroke): readonly Point[] {
  if (kind === "line") return points;
  const closed = kind === "loop";
  const once = cutCorners(points, closed);
  const path = cutCorners(once, closed);
  return closed ? [...path, ...path.slice(0, 1)] : path;
}

function bend(stroke: Stroke, random: Random): Stroke {
  const waver = () => between(random, -0.06, 0.06);
  return { ...stroke, points: stroke.points.map(([x, y]): Point => [x + waver(), y + waver()]) };
}

function place([x, y]: Point, hand: Hand): Point {
  const slanted = x + hand.slant * (y - 0.5);
  const tilted = y + hand.tilt * (x - 0.5);
  return [hand.left + slanted * hand.width, hand.top + tilted * hand.height];
}

function squaredDistance(at: Point, from: Point, to: Point): number {
  const [alongX, alongY] = [to[0] - from[0], to[1] - from[1]];
  const length = alongX * alongX + alongY * alongY;
  const share =
    length === 0 ? 0 : ((at[0] - from[0]) * alongX + (at[1] - from[1]) * alongY) / length;
  const onLine = Math.min(1, Math.max(0, share));
  const x = at[0] - from[0] - onLine * alongX;
  const y = at[1] - from[1] - onLine * alongY;
  return x * x + y * y;
}

function clampToImage(pixel: number): number {
  return Math.min(imageSize - 1, Math.max(0, pixel));
}

/** Keeps in `nearest` each pixel's squared distance to the nearest line so far, as far as the pen reaches. */
function approach(nearest: Float64Array, from: Point, to: Point, reach: number): void {
  const start = (axis: 0 | 1) => clampToImage(Math.floor(Math.min(from[axis], to[axis]) - reach));
  const end = (axis: 0 | 1) => clampToImage(Math.floor(Math.max(from[axis], to[axis]) + reach));
  for (let y = start(1); y <= end(1); y += 1) {
    for (let x = start(0); x <= end(0); x += 1) {
      const pixel = y * imageSize + x;
      const distance = squaredDistance([x + 0.5, y + 0.5], from, to);
      if (distance < (nearest[pixel] ?? 0)) nearest[pixel] = distance;
    }
  }
}

/** Row-major, 0 is paper and 1 is ink. */
export function drawDigit(digit: number, random: Random): Float32Array {
  const ways = shapes[digit] ?? [];
  const hand = chooseHand(random);
  const shape = ways[Math.floor(random() * ways.length)] ?? [];
  const nearest = new Float64Array(imageSize * imageSize).fill(imageSize * imageSize);
  for (const stroke of shape) {
    const path = flatten(bend(stroke, random)).map((point) => place(point, hand));
    for (const [index, to] of path.entries()) {
      approach(nearest, path[index - 1] ?? to, to, hand.penRadius + 1);
    }
  }
  return Float32Array.from(nearest, (distance) => {
    const covered = Math.min(1, Math.max(0, hand.penRadius + 0.5 - Math.sqrt(distance)));
    const value = covered * hand.ink + between(random, -hand.noise, hand.noise);
    return Math.min(1, Math.max(0, value));
  });
}
