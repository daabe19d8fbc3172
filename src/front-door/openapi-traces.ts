/* What the routes of traces answer, as JSON Schema. */
import { traceLevels } from "../protocol/traces.ts";
import { count, list, text, whole } from "./openapi-schema.ts";

export const traceSetting = whole({
  trace_file: text,
  trace_level: list({ enum: traceLevels }),
  trace_rate: text,
  trace_count: text,
  log_frequency: text,
});

const nanoseconds = { type: ["integer", "null"] } as const;
const stages = ["received", "admitted", "sent", "queued", "batch_begun", "run_begun", "run_ended"];
const traceFields = {
  id: count,
  request_id: text,
  model: text,
  version: text,
  status: count,
  batch_rows: { type: ["integer", "null"] },
  timestamps: whole(
    Object.fromEntries([...stages, "answered", "written"].map((stage) => [stage, nanoseconds])),
  ),
};

export const traces = whole({ traces: list(whole(traceFields)) });
