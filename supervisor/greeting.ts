/* What a person, or whoever reads the log, is told when the server begins to listen and when its models are there. */
import type { Log } from "../src/platform/log.ts";
import { hasMemory } from "../src/protocol/model-metadata.ts";
import type { ModelView } from "../src/protocol/views.ts";
import type { SupervisorListener } from "./supervisor-options.ts";

export interface GreetingOptions {
  readonly host: string;
  /** Null where gRPC is off. */
  readonly grpcPort: number | null;
  readonly pretty: boolean;
  readonly log: Log;
  readonly say: (text: string) => void;
  readonly refuse: (reason: string) => void;
}

export function greet(options: GreetingOptions): SupervisorListener {
  let url = "";
  return {
    onListening: (port) => {
      url = `http://${addressOf(options.host, port)}`;
      const { grpcPort } = options;
      const grpc = grpcPort === null ? undefined : addressOf(options.host, grpcPort);
      if (!options.pretty) options.log.info({ url, grpc }, "listening");
    },
    onStarted: (models) => {
      if (models.length === 0) options.log.warn("no models: the models folder is empty");
      options.log.info({ models: models.length }, "started");
      if (options.pretty) options.say(greeting(url, models));
      else warnOfTroubles(options.log, models);
    },
    onListenFailed: (reason) => options.refuse(reason),
  };
}

function addressOf(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** Where no table is shown: what cannot be served, and why. */
function warnOfTroubles(log: Log, models: readonly ModelView[]): void {
  for (const { name: model, problem, versions } of models) {
    if (problem !== null) log.warn({ model, reason: problem }, "model unavailable");
    for (const { version, state, reason } of versions) {
      // One that is as it is for the model's problem has no more to say.
      if (state === "unavailable" && reason !== problem)
        log.warn({ model, version, reason }, "model unavailable");
    }
  }
}

/** The models with their states, and one request to paste. */
export function greeting(url: string, models: readonly ModelView[]): string {
  const rows = models.flatMap(rowsOf);
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const table = rows.map((row) =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd(),
  );
  const example = exampleFor(url, models);
  const lines = ["", `Troupe serves at ${url}`, "", ...table, ""];
  return [...lines, ...(example === undefined ? [] : ["Try it:", "", `  ${example}`, ""])].join(
    "\n",
  );
}

function rowsOf(model: ModelView): string[][] {
  if (model.problem !== null) return [[model.name, "-", "unavailable", model.problem]];
  return model.versions.map(({ version, state, reason }) => [
    model.name,
    version,
    state,
    reason ?? model.description,
  ]);
}

/** The one with the fewest numbers to type; what remembers is best tried over a socket. */
function exampleFor(url: string, models: readonly ModelView[]): string | undefined {
  const requests = models.flatMap((model) => {
    const metadata = model.versions.find(({ state }) => state === "ready")?.metadata;
    if (!metadata || hasMemory(metadata)) return [];
    const [input, ...others] = metadata.inputs;
    if (input === undefined || others.length > 0 || !/^(FP|U?INT)/.test(input.datatype)) return [];
    const sizes = input.shape.map((size) => Math.max(size, 1));
    return [{ name: model.name, sizes, count: sizes.reduce((product, size) => product * size, 1) }];
  });
  const [smallest] = requests.toSorted((a, b) => a.count - b.count);
  if (smallest === undefined || smallest.count > 64) return undefined;
  const features = JSON.stringify(nested(smallest.sizes));
  return `curl ${url}/predict/${smallest.name} -d '{"features": ${features}}'`;
}

function nested(sizes: readonly number[]): unknown {
  const [size, ...rest] = sizes;
  return size === undefined ? 1 : Array.from({ length: size }, () => nested(rest));
}
