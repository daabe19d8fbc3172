/* The AI Inference Backend Platform's figures as JSON, made of the page that Prometheus reads. */
import type { Clock } from "../../platform/clock.ts";
import { acceptWeights } from "../accept-weights.ts";
import type { Directory } from "../directory.ts";

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const json = "application/json";

/** Where both are liked as much, what is named first. Who names neither, and scrapers, get text. */
export function wantsJson(accept = ""): boolean {
  const pages = [...acceptWeights(accept)].filter(
    ([type]) => type === json || /^text\/|openmetrics/.test(type),
  );
  const [best] = pages.toSorted(([, one], [, other]) => other - one);
  return best !== undefined && best[0] === json && best[1] > 0;
}

/** Of the models that are there; others have names that anybody could make up. */
export function platformMetrics(
  page: string,
  { directory, clock }: { readonly directory: Directory; readonly clock: Clock },
) {
  const samples = page.split("\n").flatMap(parseSample);
  const known = directory.models.map(({ name }) => name);
  const predictions = samples.filter(
    ({ name, labels }) =>
      name === "model_predictions_total" && known.includes(labels["model_id"] ?? ""),
  );
  const successful = predictions.filter(({ labels }) => labels["status"] === "ok");
  const total = sumOf(predictions);
  const ofTotal = samples.filter(
    ({ labels }) => labels["stage"] === "total" && known.includes(labels["model_id"] ?? ""),
  );
  const stage = (suffix: string) =>
    sumOf(ofTotal.filter(({ name }) => name === `troupe_stage_duration_seconds_${suffix}`));
  const answered = stage("count");
  return {
    total_requests: total,
    successful_requests: sumOf(successful),
    failed_requests: total - sumOf(successful),
    average_latency_ms: answered === 0 ? 0 : (stage("sum") / answered) * 1_000,
    requests_per_model: Object.fromEntries(
      known.map((model) => [
        model,
        sumOf(predictions.filter(({ labels }) => labels["model_id"] === model)),
      ]),
    ),
    timestamp: new Date(clock.wall()).toISOString(),
  };
}

function sumOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { value }) => sum + value, 0);
}

/** Names of models and codes hold neither quotes nor escapes. */
function parseSample(line: string): readonly Sample[] {
  const [, name, inside = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined) return [];
  const labels = Object.fromEntries(
    [...inside.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", text = ""]) => [key, text]),
  );
  return [{ name, labels, value: Number(value) }];
}
