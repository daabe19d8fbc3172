/* An image as a model wants it: channels first or last, one of them or three, of the size that its input names. */
import type { TensorView } from "../client/answers.ts";

export interface Image {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of each pixel, row by row from the top, 0 to 1. */
  readonly rgb: Float32Array;
}

export interface ImageOptions {
  /** What white becomes; undefined leaves it to the datatype: 1 for floats, 255 for integers. */
  readonly white: number | undefined;
  /** Dark becomes bright, as for ink on paper where a model counts ink. */
  readonly isInverted: boolean;
}

export interface ImageTensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: readonly number[];
  readonly width: number;
  readonly height: number;
}

type Layout = "channels-first" | "channels-last" | "flat";

interface Frame {
  readonly layout: Layout;
  readonly channels: number;
  readonly width: number;
  readonly height: number;
}

/** A text where the input is nothing that an image could be. */
export function imageTensor(
  image: Image,
  input: TensorView,
  { white, isInverted }: ImageOptions,
): ImageTensor | string {
  const usualWhite = usualWhites[input.datatype];
  if (usualWhite === undefined) return `input '${input.name}' takes ${input.datatype}, no pixels`;
  const frame = frameOf(input.shape, image);
  if (frame === undefined) {
    return `input '${input.name}' of shape [${input.shape.join(",")}] is no image: expected [batch,channels,height,width] or [batch,height,width,channels] with 1 or 3 channels, or one without channels`;
  }
  const top = white ?? usualWhite;
  const isWhole = !input.datatype.startsWith("FP");
  const values = pixelsOf(image, frame).map((value) => {
    const scaled = (isInverted ? 1 - value : value) * top;
    return isWhole ? Math.round(scaled) : scaled;
  });
  const { width, height } = frame;
  return { shape: shapeOf(input.shape, frame), data: arrange(values, frame), width, height };
}

const usualWhites: Readonly<Record<string, number>> = {
  FP32: 1,
  FP64: 1,
  UINT8: 255,
  UINT16: 255,
  UINT32: 255,
  INT16: 255,
  INT32: 255,
  INT64: 255,
};

/** A free size is the image's own. */
function frameOf(shape: readonly number[], image: Image): Frame | undefined {
  const found = layoutOf(shape);
  if (found === undefined) return undefined;
  const { height, width } = found;
  return {
    ...found,
    height: height < 0 ? image.height : height,
    width: width < 0 ? image.width : width,
  };
}

/** Fewer values than this many squared are no image, whatever else they are. */
const smallestSide = 8;

/** The first of four axes is the batch's, and of two; of three it is where nothing else has channels. */
function layoutOf(shape: readonly number[]): Frame | undefined {
  const [first = 1, second = 1] = shape;
  switch (shape.length) {
    case 4:
      return withChannels(shape.slice(1));
    case 3:
      return first === 1 || first < 0 ? withChannels([1, ...shape.slice(1)]) : withChannels(shape);
    case 2: {
      const side = Math.sqrt(second);
      const isSquare = side >= smallestSide && Number.isInteger(side);
      return isSquare ? { layout: "flat", channels: 1, height: side, width: side } : undefined;
    }
    default:
      return undefined;
  }
}

function withChannels([first = 1, second = 1, third = 1]: readonly number[]): Frame | undefined {
  if (isChannels(first)) {
    return { layout: "channels-first", channels: first, height: second, width: third };
  }
  return isChannels(third)
    ? { layout: "channels-last", channels: third, height: first, width: second }
    : undefined;
}

function isChannels(size: number): boolean {
  return size === 1 || size === 3;
}

/** One image is one row of a batch. */
function shapeOf(
  shape: readonly number[],
  { layout, channels, width, height }: Frame,
): readonly number[] {
  if (layout === "flat") return [1, width * height];
  const image = layout === "channels-first" ? [channels, height, width] : [height, width, channels];
  if (shape.length === 4) return [1, ...image];
  return channels === 1 && layout === "channels-first" ? [1, height, width] : image;
}

/** Pixel by pixel, with as many channels as are wanted. */
function pixelsOf(image: Image, { channels, width, height }: Frame): Float32Array {
  const { rgb } = resized(image, width, height);
  if (channels === 3) return rgb;
  return Float32Array.from({ length: width * height }, (_, pixel) => luma(rgb, pixel * 3));
}

/** Rec. 601, as most programs turn colours into grey. */
function luma(rgb: Float32Array, at: number): number {
  return 0.299 * (rgb[at] ?? 0) + 0.587 * (rgb[at + 1] ?? 0) + 0.114 * (rgb[at + 2] ?? 0);
}

function arrange(values: Float32Array, { layout, channels }: Frame): readonly number[] {
  if (layout !== "channels-first" || channels === 1) return [...values];
  const pixels = values.length / channels;
  return Array.from(
    { length: values.length },
    (_, at) => values[(at % pixels) * channels + Math.floor(at / pixels)] ?? 0,
  );
}

/** Each new pixel is the mean of the area that it covers. */
export function resized(image: Image, width: number, height: number): Image {
  if (image.width === width && image.height === height) return image;
  const across = axisWeights(image.width, width);
  const down = axisWeights(image.height, height);
  const rgb = new Float32Array(width * height * 3);
  for (const [y, rows] of down.entries()) {
    for (const [x, columns] of across.entries()) {
      for (let channel = 0; channel < 3; channel += 1) {
        rgb[(y * width + x) * 3 + channel] = mean(image, rows, columns, channel);
      }
    }
  }
  return { width, height, rgb };
}

interface Share {
  readonly at: number;
  readonly weight: number;
}

/** For each new place the old ones that it covers, whose weights sum to 1. */
function axisWeights(from: number, to: number): readonly (readonly Share[])[] {
  const step = from / to;
  return Array.from({ length: to }, (_, place) => {
    const [begin, end] = [place * step, (place + 1) * step];
    const shares: Share[] = [];
    for (let at = Math.floor(begin); at < Math.min(from, Math.ceil(end)); at += 1) {
      shares.push({ at, weight: (Math.min(end, at + 1) - Math.max(begin, at)) / step });
    }
    return shares;
  });
}

function mean(
  { width, rgb }: Image,
  rows: readonly Share[],
  columns: readonly Share[],
  channel: number,
): number {
  let sum = 0;
  for (const row of rows) {
    for (const column of columns) {
      const value = rgb[(row.at * width + column.at) * 3 + channel] ?? 0;
      sum += value * row.weight * column.weight;
    }
  }
  return sum;
}
