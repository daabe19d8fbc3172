/* What a server is asked by each route of its document: for what is there and what is not, good and bad. */
import type { Ask } from "./http-client.ts";
import { neighbourBodies } from "./neighbour-asks.ts";
import type { Values } from "./served-document.ts";

/** What stands for the parameters of a path: what is there, and what is not. */
export const there: Values = {
  model: "iris",
  version: "1",
  file: "swagger-ui.css",
  region: "r",
  repository: "r",
};
export const absent = { ...there, model: "nobody", version: "9", file: "nothing" };

export const row = [5.1, 3.5, 1.4, 0.2];
const tensor = { name: "x", datatype: "FP32", shape: [1, 4], data: row };

/** Requests with a body, by the word that the path has in it. */
function bodiesOf(path: string): readonly Partial<Ask>[] {
  const neighbour = neighbourBodies[path];
  if (neighbour !== undefined) return [{ body: neighbour }, { body: {} }];
  if (path.startsWith("/predict"))
    return [{ body: { features: row } }, { body: { features: [1] } }];
  if (path.endsWith("/infer")) {
    const binary = { inputs: [tensor], parameters: { binary_data_output: true } };
    return [{ body: { inputs: [tensor] } }, { body: binary }, { body: { inputs: [] } }];
  }
  if (path.endsWith("/trace/setting")) {
    return [
      { body: { trace_level: ["TIMESTAMPS"], trace_rate: "1" } },
      { body: { trace_rate: 0 } },
    ];
  }
  if (path === "/v2/logging") return [{ body: { log_info: true } }, { body: { log_file: "a" } }];
  return [{ body: {} }, { body: "[" }];
}

function isPrediction(path: string): boolean {
  return path.startsWith("/predict") || path.endsWith("/infer");
}

const odd: readonly Partial<Ask>[] = [
  { body: "{}", headers: { "content-type": "image/png" } },
  { body: "{}", headers: { "x-priority": "high" } },
  { body: "{}", headers: { "x-request-timeout-ms": "soon" } },
  { body: "{}", headers: { "content-encoding": "br" } },
];

type Request = readonly [values: Values, more: Partial<Ask>];

/** Of what is there and what is not, good and bad. */
export function requestsOf(key: string): readonly Request[] {
  const [method, path = ""] = key.split(" ");
  const bodies = method === "POST" || path.endsWith("t/predict") ? bodiesOf(path) : [{}];
  const strange = isPrediction(path) ? odd : [];
  return [
    ...[there, absent].flatMap((values) => bodies.map((more): Request => [values, more])),
    ...strange.map((more): Request => [there, more]),
  ];
}

/** Those of `/models` that change something come last, in an order that leaves something to change. */
export const changing = /^(POST|PATCH|DELETE) \/(models|v2\/repository\/models)\b/;
