import type { GoldenSample, ModelConfig, WantedVersions } from "../protocol/model-settings.ts";
import { isGiven } from "./config-field.ts";
import { snakeCase } from "./key-name.ts";
import { nodeAt, parseYaml, type YamlNode } from "./yaml-tree.ts";

/** The name of a file, or where else it is from. */
export type ConfigOrigin = "default" | "server" | (string & {});

export interface DescribedConfig {
  /** As model.yaml would say it, complete. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where each value is from, by its path, such as `batching.max_batch_size`. */
  readonly from: Readonly<Record<string, ConfigOrigin>>;
}

/** The rest of the configuration has one value a key. */
const sections = [
  "batching",
  "objective",
  "queue",
  "timeouts",
  "breaker",
  "restart",
  "session",
  "limits",
] as const satisfies readonly (keyof ModelConfig)[];

type Section = (typeof sections)[number];

/** `text` is the model.yaml that `config` was read from; empty where there is none. */
export function describeConfig(text: string, config: ModelConfig): DescribedConfig {
  const verdict = parseYaml(text);
  return describeFrom(verdict.type === "parsed" ? verdict.root : undefined, "model.yaml", config);
}

/** `root` is the file as a model.yaml would say it. */
export function describeFrom(
  root: YamlNode | undefined,
  file: string,
  config: ModelConfig,
): DescribedConfig {
  const keys = (Object.keys(config) as (keyof ModelConfig)[]).filter(
    (key) => key !== "triton" && key !== "schwift",
  );
  const described = keys.map((key) => [snakeCase(key), describe(config, key)]);
  const paths = keys.flatMap((key) => pathsOf(config, key));
  return {
    config: Object.fromEntries(described),
    from: Object.fromEntries(
      paths.map((path) => [
        path.join("."),
        isGiven(root && nodeAt(root, path)) ? file : origin(path, config),
      ]),
    ),
  };
}

function isSection(key: keyof ModelConfig): key is Section {
  return sections.some((section) => section === key);
}

function describe(config: ModelConfig, key: keyof ModelConfig): unknown {
  if (isSection(key)) {
    const entries = Object.entries(config[key]);
    return Object.fromEntries(entries.map(([name, value]) => [snakeCase(name), value]));
  }
  switch (key) {
    case "versions":
      return describeVersions(config.versions);
    case "warmup":
      return config.warmup?.map((request) => JSON.parse(request)) ?? null;
    case "golden":
      return config.golden.map(describeSample);
    default:
      return config[key];
  }
}

function describeVersions(versions: WantedVersions): unknown {
  switch (versions.type) {
    case "latest":
      return { latest: versions.count };
    case "all":
      return "all";
    case "listed":
      return versions.names;
  }
}

function describeSample({ request, outputs, tolerance }: GoldenSample): unknown {
  return { ...JSON.parse(request), outputs: JSON.parse(outputs), tolerance };
}

type Path = readonly string[];

function pathsOf(config: ModelConfig, key: keyof ModelConfig): readonly Path[] {
  const name = snakeCase(key);
  return isSection(key)
    ? Object.keys(config[key]).map((inner) => [name, snakeCase(inner)])
    : [[name]];
}

function origin(path: Path, config: ModelConfig): ConfigOrigin {
  const isServers = path.join(".") === "timeouts.request_ms" && config.timeouts.requestMs === null;
  return isServers ? "server" : "default";
}
