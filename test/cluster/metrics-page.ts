/** One line of the page that Prometheus reads. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function parseMetrics(page: string): readonly Series[] {
  return page
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map(parseLine);
}

function parseLine(line: string): Series {
  const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error(`no line of metrics: ${line}`);
  const [, name = "", labels = "", value = ""] = match;
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])),
    value: value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value),
  };
}

/** Over all series of the name whose labels include those given; 0 where there is none. */
export function sumOf(
  series: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = Object.entries(labels);
  return series
    .filter((one) => one.name === name && wanted.every(([key, text]) => one.labels[key] === text))
    .reduce((sum, { value }) => sum + value, 0);
}

/** Names of the counting series, histograms too, that are smaller in `after` or missing there. */
export function shrunken(before: readonly Series[], after: readonly Series[]): readonly string[] {
  const keyOf = ({ name, labels }: Series) => `${name} ${JSON.stringify(labels)}`;
  const later = new Map(after.map((one) => [keyOf(one), one.value]));
  return before
    .filter(({ name }) => /_(total|bucket|sum|count)$/.test(name))
    .filter((one) => (later.get(keyOf(one)) ?? -1) < one.value)
    .map(keyOf);
}
