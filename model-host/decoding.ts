import type { Clock } from "../src/platform/clock.ts";
import type { CodecName, RequestFrame } from "../src/protocol/frames.ts";
import { initialChunkCredit } from "../src/protocol/frames.ts";
import type { Batching } from "../src/protocol/model-metadata.ts";
import type { Codec, DecodedRequest, ServedModel } from "../src/tensors/codec.ts";
import { predictCodec } from "../src/tensors/predict-codec.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import { v2Codec } from "../src/tensors/v2-codec.ts";
import type { Door, Work } from "./work.ts";

const codecs: Readonly<Record<CodecName, Codec>> = { predict: predictCodec, v2: v2Codec };

/** Throws `invalid-request` where the body is not what the model takes. */
export function decodeWork(
  frame: RequestFrame,
  door: Door,
  model: ServedModel,
  clock: Clock,
  fingerprint: ((request: DecodedRequest) => string) | undefined,
): Work {
  const beganAt = clock.now();
  const codec = codecs[frame.codec];
  const request = codec.decode(frame.body, model);
  const arrivedAt = clock.now();
  return {
    id: frame.id,
    door,
    requestId: frame.requestId,
    codec,
    request,
    stream: frame.stream,
    fingerprint: fingerprint?.(request) ?? null,
    key: batchKey(request, model),
    rows: request.rows,
    bytes: frame.body.length,
    priority: frame.priority,
    deadlineAt: frame.deadlineAt,
    alone: frame.alone,
    arrivedAt,
    decodeUs: (arrivedAt - beganAt) * 1_000,
    parts: [],
    nextRow: 0,
    credit: frame.stream ? initialChunkCredit : Number.POSITIVE_INFINITY,
    queueUs: 0,
    runUs: 0,
    settled: false,
  };
}

const sharesWithNone: readonly Batching["type"][] = ["unbatched", "one-by-one"];

/** Requests share a batch when every input has the same row shape, and every input without rows the same value. */
function batchKey(request: DecodedRequest, { metadata }: ServedModel): string | null {
  if (sharesWithNone.includes(metadata.batching.type)) return null;
  let key = "";
  for (const [at, spec] of metadata.inputs.entries()) {
    const tensor = request.inputs[at] as Tensor;
    key += spec.batchAxis === null ? valueKey(tensor) : shapeKey(tensor.shape, spec.batchAxis);
  }
  return key;
}

function shapeKey(shape: readonly number[], batchAxis: number): string {
  let key = "|";
  for (let axis = 0; axis < shape.length; axis += 1) {
    if (axis !== batchAxis) key += `${shape[axis]},`;
  }
  return key;
}

function valueKey(tensor: Tensor): string {
  if (tensor.datatype === "BYTES") return `=${JSON.stringify(tensor.data)}`;
  return `=${tensor.data.join(",")}`;
}
