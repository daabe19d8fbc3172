/* Model-Nexus's description of a model, and its prediction. */
import type { FastifyInstance } from "fastify";
import { TroupeError } from "../../protocol/errors.ts";
import type { Datatype, TensorSpec } from "../../protocol/model-metadata.ts";
import type { Directory } from "../directory.ts";
import { metadataJson } from "../model-json.ts";
import { type PlainPredictionParts, predictPlainly } from "../plain-prediction.ts";
import type { AskSupervisor } from "../queries.ts";
import { declaredLength, readText } from "../request-body.ts";
import { requestIdOf } from "../request-head.ts";

interface Parts extends PlainPredictionParts {
  readonly directory: Directory;
  readonly ask: AskSupervisor;
}

interface Query {
  readonly id?: string | readonly string[];
}

/** ONNX's `TensorProto.DataType`. */
const onnxDatatype: Readonly<Record<Datatype, number>> = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
  BF16: 16,
};

export const infoUrl = "/models/info";

/** Without an `id` the path is that of a model which is itself named `info`. */
export function addModelNexus(app: FastifyInstance, parts: Parts): void {
  const { directory, ask } = parts;
  addPredict(app, parts);
  app.get<{ Querystring: Query }>(infoUrl, async ({ query: { id } }, reply) => {
    if (id === undefined) {
      reply.type("application/json");
      return ask({ type: "model", model: "info" });
    }
    if (typeof id !== "string") throw new TroupeError("invalid-request", "id was given twice");
    const { model, version } = directory.find(id, undefined);
    const { inputs, outputs } = metadataJson(model, version);
    return {
      id,
      name: model.name,
      version: version.version,
      inputs: (inputs as readonly TensorSpec[]).map(tensorJson),
      outputs: (outputs as readonly TensorSpec[]).map(tensorJson),
    };
  });
}

function tensorJson({ name, datatype, shape }: TensorSpec) {
  return { name, dtype: onnxDatatype[datatype], shape };
}

/** The model stands in the body, so that only a small one is read before there is room for it. */
const maxBytes = 1_048_576;

function addPredict(app: FastifyInstance, parts: Parts): void {
  app.post("/predict", async (request, reply) => {
    const beganAt = parts.clock.now();
    declaredLength(request.raw, maxBytes);
    if (request.headers.expect !== undefined) reply.raw.writeContinue();
    const text = await readText(request.raw, maxBytes);
    const { modelId, requestId } = parseEnvelope(text);
    // One id for one request: a header's goes before the body's.
    if (requestId !== undefined && request.headers["x-request-id"] === undefined) {
      Object.assign(request, { id: requestIdOf({ "x-request-id": requestId }) });
    }
    const wanted = { model: modelId, body: Buffer.from(text) };
    const answer = await predictPlainly(parts, { request, reply }, wanted);
    return {
      model_id: modelId,
      request_id: request.id,
      prediction: [answer["predictions"]].flat(Number.POSITIVE_INFINITY),
      ...confidenceOf(answer),
      ...(answer["warnings"] === undefined ? {} : { warnings: answer["warnings"] }),
      latency_ms: parts.clock.now() - beganAt,
      timestamp: new Date(parts.clock.wall()).toISOString(),
    };
  });
}

/** `features` stay as they came, for the host to read: integers of 64 bits would not survive here. */
function parseEnvelope(text: string) {
  const body = parseObject(text);
  const { model_id: modelId, request_id: requestId } = body;
  if (typeof modelId !== "string") throw invalid("model_id must be a string");
  if (!Array.isArray(body["features"])) throw invalid("features must be a list of numbers or rows");
  if (requestId !== undefined && typeof requestId !== "string") {
    throw invalid("request_id must be a string");
  }
  return { modelId, requestId };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    throw invalid("body must be JSON");
  }
  throw invalid("body must be a JSON object");
}

function invalid(words: string): TroupeError {
  return new TroupeError("invalid-request", words);
}

interface Output {
  readonly datatype: string;
  readonly data: unknown;
}

/** The largest probability, where an output of floats has rows that add up to 1. */
function confidenceOf({ predictions, outputs }: Readonly<Record<string, unknown>>) {
  const several = outputs as Readonly<Record<string, Output>> | undefined;
  const floats = Object.values(several ?? {}).filter(({ datatype }) => datatype.startsWith("FP"));
  const candidates = several === undefined ? [predictions] : floats.map(({ data }) => data);
  const rows = candidates.find(areProbabilities);
  return rows === undefined ? {} : { confidence: Math.max(...rows.flat()) };
}

function areProbabilities(value: unknown): value is number[][] {
  return Array.isArray(value) && value.length > 0 && value.every(isDistribution);
}

function isDistribution(row: unknown): boolean {
  if (!Array.isArray(row) || row.length < 2) return false;
  if (!row.every((one) => typeof one === "number" && one >= 0 && one <= 1)) return false;
  return Math.abs(row.reduce((sum, one) => sum + one, 0) - 1) < 1e-3;
}
