/** In a box one wide and one high; x grows to the right, y downwards. */
export type Point = readonly [x: number, y: number];

export interface Stroke {
  /** A line goes through its points; a curve and a loop round off all corners, and a loop ends where it begins. */
  readonly kind: "line" | "curve" | "loop";
  readonly points: readonly Point[];
}

/** One way to write a digit. */
export type Shape = readonly Stroke[];

function line(...points: readonly Point[]): Stroke {
  return { kind: "line", points };
}

function curve(...points: readonly Point[]): Stroke {
  return { kind: "curve", points };
}

function loop(...points: readonly Point[]): Stroke {
  return { kind: "loop", points };
}

/** The corners of an oval, for a loop to round off. */
function oval(left: number, top: number, right: number, bottom: number): Point[] {
  const at = (x: number, y: number): Point => [left + (right - left) * x, top + (bottom - top) * y];
  return [
    at(0.5, 0),
    at(0.1, 0.05),
    at(0, 0.5),
    at(0.1, 0.95),
    at(0.5, 1),
    at(0.9, 0.95),
    at(1, 0.5),
    at(0.9, 0.05),
  ];
}

const zero: readonly Shape[] = [
  [loop(...oval(0, -0.02, 1, 1.02))],
  [loop(...oval(0.15, -0.02, 0.85, 1.02))],
];
const one: readonly Shape[] = [
  [line([0.5, 0], [0.5, 1])],
  [line([0.25, 0.25], [0.55, 0], [0.55, 1])],
  [line([0.25, 0.22], [0.52, 0], [0.52, 1]), line([0.22, 1], [0.82, 1])],
];
const two: readonly Shape[] = [
  [
    curve([0.1, 0.3], [0.15, -0.05], [0.85, -0.08], [1, 0.4], [0.55, 0.7], [0.08, 1]),
    line([0.08, 1], [0.95, 1]),
  ],
  [
    curve(
      [0.12, 0.2],
      [0.4, -0.1],
      [0.95, 0],
      [0.9, 0.45],
      [0.5, 0.95],
      [0.1, 1.05],
      [0.05, 0.75],
      [0.4, 0.8],
      [0.98, 1.02],
    ),
  ],
];
const three: readonly Shape[] = [
  [
    curve([0.1, 0.14], [0.35, -0.06], [0.92, -0.04], [0.95, 0.45], [0.38, 0.47]),
    curve([0.38, 0.47], [1, 0.45], [1.05, 1.04], [0.4, 1.07], [0.06, 0.86]),
  ],
  [
    line([0.1, 0.02], [0.86, 0.02], [0.42, 0.4]),
    curve([0.42, 0.4], [1.02, 0.38], [1.05, 1.05], [0.35, 1.06], [0.06, 0.86]),
  ],
];
const four: readonly Shape[] = [
  [line([0.25, 0], [0.08, 0.58], [0.95, 0.58]), line([0.72, 0.2], [0.68, 1])],
  [line([0.72, 1], [0.72, 0], [0.05, 0.66], [0.98, 0.66])],
];
const five: readonly Shape[] = [
  [
    line([0.88, 0.02], [0.25, 0.02], [0.18, 0.46]),
    curve([0.18, 0.46], [0.5, 0.28], [1.02, 0.4], [1, 1.02], [0.4, 1.08], [0.06, 0.86]),
  ],
  [
    line([0.95, 0.02], [0.3, 0.02]),
    curve(
      [0.3, 0.02],
      [0.18, 0.3],
      [0.3, 0.42],
      [0.95, 0.48],
      [0.95, 0.98],
      [0.4, 1.06],
      [0.08, 0.95],
    ),
  ],
];
const six: readonly Shape[] = [
  [
    curve(
      [0.82, 0.06],
      [0.4, 0],
      [0.03, 0.45],
      [0.05, 1.03],
      [0.6, 1.08],
      [1, 0.85],
      [0.88, 0.46],
      [0.4, 0.42],
      [0.1, 0.72],
    ),
  ],
  [curve([0.6, 0], [0.2, 0.3], [0.1, 0.7]), loop(...oval(0.08, 0.46, 0.92, 1.03))],
];
const seven: readonly Shape[] = [
  [line([0.06, 0.03], [0.94, 0.03], [0.38, 1])],
  [line([0.06, 0.03], [0.94, 0.03], [0.42, 1]), line([0.32, 0.5], [0.88, 0.5])],
  [
    line([0.08, 0.2], [0.08, 0.03]),
    curve([0.08, 0.03], [0.6, 0.06], [0.94, 0.03], [0.6, 0.5], [0.45, 1]),
  ],
];
const eight: readonly Shape[] = [
  [loop(...oval(0.15, -0.02, 0.85, 0.48)), loop(...oval(0.05, 0.46, 0.95, 1.03))],
  [
    loop(
      [0.88, 0.1],
      [0.5, -0.08],
      [0.08, 0.1],
      [0.2, 0.42],
      [0.85, 0.62],
      [0.95, 0.95],
      [0.5, 1.08],
      [0.05, 0.95],
      [0.15, 0.62],
      [0.8, 0.42],
    ),
  ],
];
const nine: readonly Shape[] = [
  [loop(...oval(0.08, -0.03, 0.9, 0.54)), line([0.9, 0.2], [0.82, 1])],
  [
    loop(...oval(0.08, -0.03, 0.92, 0.56)),
    curve([0.92, 0.2], [0.98, 0.7], [0.75, 1.05], [0.3, 1.05], [0.15, 0.9]),
  ],
];

/** The ways to write each digit, zero first. */
export const shapes: readonly (readonly Shape[])[] = [
  zero,
  one,
  two,
  three,
  four,
  five,
  six,
  seven,
  eight,
  nine,
];
