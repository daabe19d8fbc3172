/* The tree of processes, as JSON Schema. */
import {
  anyObject,
  count,
  flag,
  list,
  nullableCount,
  nullableNumber,
  nullableText,
  text,
  whole,
} from "./openapi-schema.ts";

const lastExit = {
  ...whole({
    at: text,
    code: { type: ["integer", "null"] },
    signal: nullableText,
    reason: text,
    stderr: list(text),
  }),
  type: ["object", "null"],
};

const figures = {
  rss_bytes: nullableCount,
  cpu_seconds: nullableNumber,
  event_loop_delay_ms: nullableNumber,
};

const child = {
  role: text,
  pid: nullableCount,
  state: text,
  reason: nullableText,
  since: text,
  restarts: count,
  last_exit: lastExit,
  ...figures,
};

const enginePlace = {
  ...whole({ thread: text, reason: text }),
  type: ["object", "null"],
};

const objective = {
  ...whole({
    p99_ms: count,
    max_rows: count,
    delay_ms: count,
    throughput_first: flag,
    fixed_ms: nullableNumber,
    row_ms: nullableNumber,
    observed_p99_ms: nullableNumber,
    reason: text,
  }),
  type: ["object", "null"],
};

const host = whole({
  model: text,
  version: text,
  replica: count,
  stage: { type: "string", enum: ["new", "serving", "standby", "leaving"] },
  ...child,
  engine: enginePlace,
  queue_rows: nullableCount,
  in_flight: nullableCount,
  breaker: nullableText,
  sequences: nullableCount,
  objective,
});

const treeModel = whole({
  name: text,
  problem: nullableText,
  rollout: { type: ["object", "null"] },
  failures: anyObject,
  versions: list(whole({ version: text, hosts: list(host) })),
});

export const processTree = whole({
  version: text,
  supervisor: whole({ role: text, pid: count, state: text, since: text, ...figures }),
  front_doors: list(whole(child)),
  models: list(treeModel),
});
