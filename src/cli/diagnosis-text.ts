import { plain } from "../platform/pretty-line.ts";
import type { Batching, TensorSpec } from "../protocol/model-metadata.ts";
import type { Cost, Diagnosis } from "./diagnosis.ts";
import type { Paint } from "./paint.ts";
import { type Column, tableText } from "./table.ts";
import { bytesText, msText } from "./units.ts";

export function diagnosisText(diagnosis: Diagnosis, paint: Paint): string {
  return [
    headText(diagnosis, paint),
    tensorsText(diagnosis, paint),
    batchingText(diagnosis),
    costsText(diagnosis, paint),
    yamlText(diagnosis, paint),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function headText({ file, problem, load_ms, rss_bytes }: Diagnosis, paint: Paint): string {
  if (problem !== null) {
    return `${plain(file)} ${paint("red", "cannot be served")}: ${plain(problem)}\n`;
  }
  const facts = `loaded in ${msText(load_ms ?? 0)}, ${bytesText(rss_bytes)} for its process`;
  return `${plain(file)} ${paint("green", "can be served")}: ${facts}\n`;
}

interface Tensor extends TensorSpec {
  readonly side: string;
}

const tensorColumns: readonly Column<Tensor>[] = [
  { title: "", of: ({ side }) => side },
  { title: "NAME", of: ({ name }) => name },
  { title: "DATATYPE", of: ({ datatype }) => datatype },
  { title: "SHAPE", of: ({ shape }) => `[${shape.join(",")}]` },
  { title: "BATCH AXIS", of: ({ batchAxis }) => batchAxis },
];

function tensorsText({ inputs, outputs, not_servable }: Diagnosis, paint: Paint): string {
  if (inputs.length + outputs.length === 0) return "";
  const rows = [
    ...inputs.map((input) => ({ ...input, side: "takes" })),
    ...outputs.map((output) => ({ ...output, side: "gives" })),
  ];
  const leftOut = not_servable.map(
    ({ name, reason }) => `left out: ${plain(name)}, as ${plain(reason)}\n`,
  );
  return [tableText(rows, tensorColumns, paint), ...leftOut].join("");
}

function batchingText({ batching, state }: Diagnosis): string {
  if (batching === null) return "";
  const states = state.map(
    ({ input, output }) => `remembers: ${plain(output)} goes back into ${plain(input)}\n`,
  );
  return [`${batchingWords(batching)}\n`, ...states].join("");
}

function batchingWords(batching: Batching): string {
  switch (batching.type) {
    case "batched":
      return "batches: rows of several requests share a run";
    case "one-by-one":
      return `does not batch, each row runs alone: ${plain(batching.reason)}`;
    case "unbatched":
      return `does not batch, each request runs alone: ${plain(batching.reason)}`;
  }
}

const costColumns: readonly Column<Cost>[] = [
  { title: "ROWS", of: ({ rows }) => rows, align: "right" },
  { title: "A RUN", of: ({ run_ms }) => run_ms && msText(run_ms), align: "right" },
  { title: "A ROW", of: ({ row_ms }) => row_ms && msText(row_ms), align: "right" },
  { title: "ROWS/S", of: ({ rows_per_second }) => rows_per_second, align: "right" },
];

function costsText({ costs }: Diagnosis, paint: Paint): string {
  if (costs.length === 0) return "";
  if (costs.every(({ run_ms }) => run_ms === null)) {
    return "not measured: ONNX Runtime takes none of the rows that were made up\n";
  }
  return tableText(costs, costColumns, paint);
}

function yamlText({ model_yaml }: Diagnosis, paint: Paint): string {
  if (model_yaml === null) return "";
  return `${paint("dim", "A model.yaml to start from:")}\n\n${model_yaml}`;
}
