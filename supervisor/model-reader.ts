/* What can be read of models: `GET /models` and its neighbours. */
import { describeConfig, describeFrom } from "../src/config/config-origins.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import { labelFault } from "../src/protocol/label-fit.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import { noSuchVersion } from "../src/protocol/model-refusals.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { ChangeLocks } from "./change-locks.ts";
import { type DescribeParts, describeModel, describeVersion } from "./model-description.ts";
import type { KnownModel, ModelRegistry } from "./model-registry.ts";
import type { ModelStore } from "./model-store.ts";

export interface ReaderParts extends Pick<DescribeParts, "digests" | "descriptions"> {
  readonly registry: ModelRegistry;
  readonly store: ModelStore;
  readonly locks: ChangeLocks;
}

type Json = Readonly<Record<string, unknown>>;

/** All of it throws TroupeError `model-not-found` for what is not there. */
export class ModelReader {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  async list(): Promise<Json> {
    const models = await Promise.all(this.#parts.registry.known.map((one) => this.#describe(one)));
    return { models, count: models.length };
  }

  async model(name: string): Promise<Json> {
    return this.#describe(this.#parts.registry.find(name));
  }

  async version(name: string, version: string): Promise<Json> {
    const { registry, digests, descriptions } = this.#parts;
    const model = registry.find(name);
    const view = registry.view(model);
    const found = view.versions.find((one) => one.version === version);
    if (found === undefined) throw noSuchVersion(name, version, view.versions);
    return { id: name, ...(await describeVersion(model, found, { digests, descriptions })) };
  }

  async config(name: string): Promise<Json> {
    const { registry, store } = this.#parts;
    const { life, folder } = registry.find(name);
    if (folder.config instanceof TroupeError) throw folder.config;
    const { foreign, warnings } = folder.notes ?? {};
    const config = life.config ?? folder.config;
    const all = [...(warnings ?? []), ...labelFaults(config, life.known.values())];
    const notes = all.length === 0 && warnings === undefined ? {} : { warnings: all };
    if (foreign !== undefined) {
      const { modelYaml, file } = foreign;
      return { id: name, ...describeFrom(modelYaml, file, config), ...notes };
    }
    const text = await store.configs.read(name).catch(() => "");
    return { id: name, ...describeConfig(text, config), ...notes };
  }

  #describe(model: KnownModel): Promise<Json> {
    const { registry, digests, descriptions, locks } = this.#parts;
    const change = locks.current(model.life.name);
    return describeModel(model, { digests, descriptions, view: registry.view(model), change });
  }
}

/** Of all versions of which is known what comes out. */
function labelFaults({ labels }: ModelConfig, known: Iterable<ModelMetadata>): readonly string[] {
  const faults = [...known].flatMap((metadata) => labelFault(labels, metadata) ?? []);
  return [...new Set(faults)];
}
