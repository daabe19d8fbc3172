/* What an examination means: whether the model can be served, what it costs, and how to configure it. */

import type { Finding } from "../protocol/examination.ts";
import type { Batching, ModelMetadata, TensorSpec } from "../protocol/model-metadata.ts";
import type { Examination } from "./doctor-process.ts";
import { modelYamlFor } from "./model-yaml.ts";

export interface Cost {
  readonly rows: number;
  /** Null where ONNX Runtime refuses rows that are made up. */
  readonly run_ms: number | null;
  readonly row_ms: number | null;
  readonly rows_per_second: number | null;
}

export interface Diagnosis {
  readonly file: string;
  /** Why it cannot be served; null where it can. */
  readonly problem: string | null;
  readonly load_ms: number | null;
  /** Of the process with the model, before its first run. */
  readonly rss_bytes: number | null;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly not_servable: ModelMetadata["notServable"];
  readonly batching: Batching | null;
  /** Pairs that the trial found, of an output that goes back into an input. */
  readonly state: readonly { readonly input: string; readonly output: string }[];
  readonly costs: readonly Cost[];
  readonly model_yaml: string | null;
}

export function diagnose(file: string, examination: Examination): Diagnosis {
  const { findings } = examination;
  const loaded = pick(findings, "loaded");
  const metadata = pick(findings, "described")?.metadata;
  return {
    file,
    problem: problemOf(examination),
    load_ms: loaded?.loadMs ?? null,
    rss_bytes: loaded?.rssBytes ?? null,
    ...(metadata === undefined ? unknownModel : factsOf(metadata)),
    costs: findings.flatMap((finding) => (finding.type === "measured" ? [costOf(finding)] : [])),
    model_yaml: metadata === undefined ? null : modelYamlFor(metadata, loaded?.rssBytes ?? 0),
  };
}

function problemOf({ findings, crash }: Examination): string | null {
  const refused = pick(findings, "refused");
  if (refused !== undefined) return refused.reason;
  return crash === undefined ? null : crashWords(findings, crash);
}

type Facts = Pick<Diagnosis, "inputs" | "outputs" | "not_servable" | "batching" | "state">;

const unknownModel: Facts = {
  inputs: [],
  outputs: [],
  not_servable: [],
  batching: null,
  state: [],
};

function factsOf(metadata: ModelMetadata): Facts {
  const { inputs, outputs, notServable, batching } = metadata;
  return { inputs, outputs, not_servable: notServable, batching, state: statesOf(metadata) };
}

function pick<Type extends Finding["type"]>(
  findings: readonly Finding[],
  type: Type,
): Extract<Finding, { type: Type }> | undefined {
  return findings.find((one): one is Extract<Finding, { type: Type }> => one.type === type);
}

/** What it was doing follows from what it had told. */
function crashWords(findings: readonly Finding[], crash: string): string {
  const doing = doingAfter[findings.at(-1)?.type ?? "nothing"] ?? "while it ran the model";
  return `ONNX Runtime ended its process ${doing} (${crash}); a server would give the model up, and serve on`;
}

const doingAfter: Readonly<Record<string, string>> = {
  nothing: "while it loaded the model",
  loaded: "while it tried batches",
};

function statesOf({ state, inputs, outputs }: ModelMetadata): Diagnosis["state"] {
  return state.map(({ input, output }) => ({
    input: inputs[input]?.name ?? "",
    output: outputs[output]?.name ?? "",
  }));
}

function costOf({ rows, runMs }: Extract<Finding, { type: "measured" }>): Cost {
  if (runMs === null) return { rows, run_ms: null, row_ms: null, rows_per_second: null };
  const rowMs = runMs / rows;
  return { rows, run_ms: runMs, row_ms: rowMs, rows_per_second: Math.round(1_000 / rowMs) };
}
