/* Model-Nexus's prediction: the body names the model, and the answer says how long it took. */
import { TroupeError } from "../../protocol/errors.ts";
import { type BodyRequest, type BodyRoute, doneBody, millisecondsText } from "../body-route.ts";
import { readEnvelope } from "../envelope.ts";

export const nexusPrediction: BodyRoute = {
  endpoint: "/predict",
  codec: "nexus",
  isBatch: false,
  read: (body): BodyRequest => {
    const envelope = readEnvelope(body);
    const model = envelope.get("model_id");
    const requestId = envelope.get("request_id");
    if (typeof model !== "string") throw mistake("model_id", envelope);
    const parts = [{ model, version: undefined, body }];
    if (!envelope.has("request_id") || requestId === null) return { parts };
    if (typeof requestId === "string") return { parts, requestId };
    throw mistake("request_id", envelope);
  },
  write: ([outcome], { latencyMs, timestamp }) => {
    const rest = `,"latency_ms":${millisecondsText(latencyMs)},"timestamp":"${timestamp}"}`;
    return Buffer.concat([doneBody(outcome).subarray(0, -1), Buffer.from(rest)]);
  },
};

function mistake(field: string, envelope: ReadonlyMap<string, unknown>): TroupeError {
  const value = envelope.get(field);
  const got = envelope.has(field) ? (JSON.stringify(value) ?? "a long value") : "nothing";
  return new TroupeError("invalid-request", `${field} must be a text, got ${got}`);
}
