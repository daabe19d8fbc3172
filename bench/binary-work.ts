// A picture as a request of Open Inference V2, in each of the forms that are compared.
import { encodeModel } from "../models/onnx-writer.ts";

/** In binary the picture comes first, or behind one byte, so that it is not aligned and has to be copied. */
export const kinds = ["json", "aligned", "askew"] as const;
export type Kind = (typeof kinds)[number];

const pixels = [3, 240, 320] as const;
const shape = [1, ...pixels];
const count = 3 * 240 * 320;

/** `x` FP32 [batch,3,240,320] → `y` FP32 [batch,3,1,1], means; `flag` UINT8 [batch,1] → `seen`, itself. */
export function pictureModel(): Uint8Array {
  return encodeModel({
    name: "picture",
    inputs: [
      { name: "x", elementType: "FP32", shape: ["batch", ...pixels] },
      { name: "flag", elementType: "UINT8", shape: ["batch", 1] },
    ],
    outputs: [
      { name: "y", elementType: "FP32", shape: ["batch", 3, 1, 1] },
      { name: "seen", elementType: "UINT8", shape: ["batch", 1] },
    ],
    nodes: [
      { op: "GlobalAveragePool", inputs: ["x"], outputs: ["y"] },
      { op: "Identity", inputs: ["flag"], outputs: ["seen"] },
    ],
  });
}

interface PictureRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Of seven digits, which is what a float has. */
const values = Float32Array.from({ length: count }, (_, i) => ((i * 7_919) % 65_521) / 65_521);

function inJson(): PictureRequest {
  const data = Array.from(values, (value) => Number(value.toPrecision(7)));
  const x = { name: "x", datatype: "FP32", shape, data };
  const flag = { name: "flag", datatype: "UINT8", shape: [1, 1], data: [1] };
  const body = Buffer.from(JSON.stringify({ inputs: [x, flag] }));
  return { headers: headersOf("application/json", body), body };
}

function inBinary(isAligned: boolean): PictureRequest {
  const x = { name: "x", datatype: "FP32", shape, parameters: { binary_data_size: 4 * count } };
  const parameters = { binary_data_size: 1 };
  const flag = { name: "flag", datatype: "UINT8", shape: [1, 1], parameters };
  const json = Buffer.from(JSON.stringify({ inputs: isAligned ? [x, flag] : [flag, x] }));
  const tensors = [Buffer.from(values.buffer), Buffer.of(1)];
  const body = Buffer.concat([json, ...(isAligned ? tensors : tensors.toReversed())]);
  const length = { "inference-header-content-length": `${json.length}` };
  return { headers: { ...headersOf("application/octet-stream", body), ...length }, body };
}

function headersOf(type: string, body: Buffer): Readonly<Record<string, string>> {
  return { "content-type": type, "content-length": `${body.length}` };
}

const requests: Readonly<Record<Kind, PictureRequest>> = {
  json: inJson(),
  aligned: inBinary(true),
  askew: inBinary(false),
};

export function pictureRequest(kind: Kind): PictureRequest {
  return requests[kind];
}
