/* What this front door knows of the models, as the supervisor last told it. */
import { defaultVersion } from "../protocol/default-version.ts";
import { TroupeError } from "../protocol/errors.ts";
import { hasMemory } from "../protocol/model-metadata.ts";
import { noSuchModel, noSuchVersion } from "../protocol/model-refusals.ts";
import { compareVersions } from "../protocol/version-order.ts";
import type { ModelView, ServerView, VersionView } from "../protocol/views.ts";

export interface Target {
  readonly model: ModelView;
  readonly version: VersionView;
}

export class Directory {
  readonly #models = new Map<string, ModelView>();
  server: ServerView = { draining: false, started: false, changesRefused: null };

  get models(): readonly ModelView[] {
    return [...this.#models.values()];
  }

  update(model: ModelView): void {
    const isNew = !this.#models.has(model.name);
    this.#models.set(model.name, model);
    if (isNew) this.#sort();
  }

  /** By name, whenever they came. */
  #sort(): void {
    const sorted = this.models.toSorted((a, b) => compareVersions(a.name, b.name));
    this.#models.clear();
    for (const one of sorted) this.#models.set(one.name, one);
  }

  remove(name: string): void {
    this.#models.delete(name);
  }

  model(name: string): ModelView {
    const model = this.#models.get(name);
    if (model === undefined) throw noSuchModel(name);
    return model;
  }

  /** Whether something of one frame is needed for the next; undefined while the model has not been loaded. */
  remembers(name: string, version: string | undefined): boolean | undefined {
    const { metadata } = this.find(name, version).version;
    return metadata === null ? undefined : hasMemory(metadata);
  }

  /** Whether some version of it does; not so where there is no such model. */
  takesSignals(name: string): boolean {
    const versions = this.#models.get(name)?.versions ?? [];
    return versions.some(({ metadata }) => metadata !== null && metadata.stream !== null);
  }

  /** Without a version: the default one. */
  find(name: string, version: string | undefined): Target {
    const model = this.model(name);
    const found =
      version === undefined
        ? defaultVersion(model)
        : model.versions.find((one) => one.version === version);
    if (found !== undefined) return { model, version: found };
    if (version === undefined) {
      const words = model.problem === null ? "is not loaded" : `cannot be served: ${model.problem}`;
      throw new TroupeError("model-unavailable", `model '${name}' ${words}`);
    }
    throw noSuchVersion(name, version, model.versions);
  }
}
