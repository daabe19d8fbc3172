/* The AI Inference Backend Platform's inference: one request, or up to a hundred of them, each with its own model. */
import { TroupeError } from "../../protocol/errors.ts";
import {
  type AnswerFacts,
  type BodyPart,
  type BodyRoute,
  doneBody,
  millisecondsText,
  type PartOutcome,
} from "../body-route.ts";
import { cutList, type Envelope, readEnvelope } from "../envelope.ts";

const mostRequests = 100;

export const platformInference: BodyRoute = {
  endpoint: "/infer",
  codec: "platform",
  isBatch: false,
  read: (body, defaultModel) => ({ parts: [readPart(body, defaultModel)] }),
  write: ([outcome], facts) => writeOne(outcome, facts),
};

export const platformBatch: BodyRoute = {
  endpoint: "/infer/batch",
  codec: "platform",
  isBatch: true,
  read: (body, defaultModel) => {
    const items = cutList(body, "requests", mostRequests) ?? [];
    if (items.length > 0) return { parts: items.map((item) => readItem(item, defaultModel)) };
    throw invalid(`requests must be a list of 1 to ${mostRequests} requests`);
  },
  write: (outcomes, facts) => {
    const items = outcomes.flatMap((one) => [Buffer.from(","), writeItem(one, facts)]).slice(1);
    return Buffer.concat([Buffer.from("["), ...items, Buffer.from("]")]);
  },
};

function readItem(item: Buffer, defaultModel: string | null): BodyPart | TroupeError {
  try {
    return readPart(item, defaultModel);
  } catch (thrown) {
    if (thrown instanceof TroupeError) return thrown;
    throw thrown;
  }
}

function readPart(body: Buffer, defaultModel: string | null): BodyPart {
  const envelope = readEnvelope(body, "parameters");
  const model = textOf(envelope, "model") ?? defaultModel;
  if (model === null) {
    throw invalid("model must name the model, as this server has no default_model, got nothing");
  }
  const parameters = envelope.get("parameters") ?? {};
  if (typeof parameters !== "object" || Array.isArray(parameters)) {
    throw invalid(`parameters must be an object, got ${JSON.stringify(parameters)}`);
  }
  return { model, version: textOf(envelope, "version"), body };
}

/** As null, a field that may be left out is left out. */
function textOf(envelope: Envelope, field: string): string | undefined {
  const value = envelope.get(field);
  if (typeof value === "string" && value !== "") return value;
  if (value === null || !envelope.has(field)) return undefined;
  throw invalid(`${field} must be a text, got ${JSON.stringify(value) ?? "a long value"}`);
}

function writeOne(outcome: PartOutcome | undefined, facts: AnswerFacts): Buffer {
  const { model, version } = outcome as Extract<PartOutcome, { type: "done" }>;
  const opening = '{"success":true,"result":';
  const used = JSON.stringify(`${model}:${version}`);
  const rest = `,"model_used":${used},${factsText(facts)},"metadata":{"model_type":"onnx"}}`;
  return Buffer.concat([Buffer.from(opening), doneBody(outcome), Buffer.from(rest)]);
}

function writeItem(outcome: PartOutcome, facts: AnswerFacts): Buffer {
  if (outcome.type === "done") return writeOne(outcome, facts);
  const { code, message, retryAfterMs } = outcome.failure;
  const retry = retryAfterMs === undefined ? "" : `,"retry_after_ms":${Math.ceil(retryAfterMs)}`;
  const words = `"error":${JSON.stringify(message)},"code":"${code}"${retry}`;
  return Buffer.from(`{"success":false,${words},${factsText(facts)}}`);
}

function factsText({ requestId, latencyMs, timestamp }: AnswerFacts): string {
  const ms = millisecondsText(latencyMs);
  return `"latency_ms":${ms},"request_id":${JSON.stringify(requestId)},"timestamp":"${timestamp}"`;
}

function invalid(words: string): TroupeError {
  return new TroupeError("invalid-request", words);
}
