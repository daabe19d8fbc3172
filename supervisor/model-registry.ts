/* Every model there is: what its folder holds, and the life of what runs of it. */
import { defaultModelConfig } from "../src/config/model-config.ts";
import type { ModelFolder } from "../src/config/model-folder.ts";
import type { Clock } from "../src/platform/clock.ts";
import { noSuchModel } from "../src/protocol/model-refusals.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import { compareVersions } from "../src/protocol/version-order.ts";
import type { ModelView } from "../src/protocol/views.ts";
import { driftOf } from "./folder-drift.ts";
import type { GroupStage, HostGroup, MakeHostSlot } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import type { LifeListener } from "./life-parts.ts";
import { ModelLife } from "./model-life.ts";
import type { ModelPlan } from "./model-plan.ts";
import { type ModelFacts, type VersionFacts, viewModel } from "./model-view.ts";
import type { Rollout } from "./rollout.ts";

export interface RunningHost {
  readonly host: HostSlot;
  readonly stage: GroupStage;
}

export interface RunningVersion {
  readonly version: string;
  /** Those that serve first. */
  readonly hosts: readonly RunningHost[];
}

export interface RunningModel {
  readonly name: string;
  readonly config: ModelConfig | null;
  readonly problem: string | null;
  readonly rollout: Rollout | null;
  readonly failures: ReadonlyMap<string, string>;
  readonly versions: readonly RunningVersion[];
}

export interface KnownModel {
  folder: ModelFolder;
  readonly life: ModelLife;
}

export interface RegistryParts {
  readonly clock: Clock;
  readonly makeSlot: MakeHostSlot;
  readonly drainMs: number;
  readonly listener: LifeListener;
}

/** What the others see of a version that has several groups. */
const stageOrder: readonly GroupStage[] = ["serving", "standby", "new", "leaving"];

export class ModelRegistry {
  readonly #parts: RegistryParts;
  readonly #models = new Map<string, KnownModel>();
  #ordinal = 0;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
  }

  get known(): readonly KnownModel[] {
    return [...this.#models.values()];
  }

  get models(): readonly RunningModel[] {
    return this.known.map(({ life }) => runningOf(life));
  }

  get hosts(): readonly HostSlot[] {
    return this.known.flatMap(({ life }) => life.groups.flatMap(({ all }) => all));
  }

  get views(): readonly ModelView[] {
    return this.known.map((model) => this.view(model));
  }

  get(name: string): KnownModel | undefined {
    return this.#models.get(name);
  }

  /** Throws `model-not-found`. */
  find(name: string): KnownModel {
    const model = this.#models.get(name);
    if (model === undefined) throw noSuchModel(name);
    return model;
  }

  /** A model of which nothing runs yet. */
  introduce(folder: ModelFolder): KnownModel {
    const config = folder.problem === undefined ? folder.config : defaultModelConfig;
    return this.add(folder, { type: "serve", config, versions: [] });
  }

  /** Makes the slots of a model; they begin with `life.start()`. */
  add(folder: ModelFolder, plan: ModelPlan): KnownModel {
    const { clock, makeSlot, drainMs, listener } = this.#parts;
    const life = new ModelLife(folder.name, {
      clock,
      makeSlot,
      drainMs,
      listener,
      nextOrdinal: () => this.nextOrdinal(),
    });
    const model = { folder, life };
    this.#models.set(folder.name, model);
    this.#sort();
    life.boot(plan);
    return model;
  }

  /** By name, whenever they came. */
  #sort(): void {
    const sorted = [...this.#models].toSorted(([a], [b]) => compareVersions(a, b));
    this.#models.clear();
    for (const [name, model] of sorted) this.#models.set(name, model);
  }

  nextOrdinal(): number {
    this.#ordinal += 1;
    return this.#ordinal;
  }

  remove(name: string): void {
    this.#models.delete(name);
  }

  /** Undefined where there is no such model any more. */
  viewOf(name: string): ModelView | undefined {
    const model = this.#models.get(name);
    return model && this.view(model);
  }

  /** As it is now. */
  noteFolder(model: KnownModel, folder: ModelFolder): void {
    const before = driftOf(model);
    model.folder = folder;
    const isKnown = this.#models.get(model.life.name) === model;
    if (isKnown && driftOf(model) !== before) this.#parts.listener.onView(model.life);
  }

  view(model: KnownModel): ModelView {
    const { folder, life } = model;
    const names = new Set([
      ...folder.versions.map(({ version }) => version),
      ...life.groups.map(({ version }) => version),
    ]);
    const versions = [...names].toSorted(compareVersions);
    const facts: ModelFacts = {
      name: life.name,
      config: life.config,
      problem: life.problem,
      versions: versions.map((version) => factsOf(version, life)),
    };
    return { ...viewModel(facts, this.#parts.clock.now()), drift: driftOf(model) };
  }
}

function factsOf(version: string, life: ModelLife): VersionFacts {
  const group = visibleGroup(life.groups.filter((one) => one.version === version));
  return {
    version,
    stage: group?.stage ?? null,
    failure: life.failures.get(version) ?? null,
    known: life.known.get(version) ?? null,
    replicas: (group?.hosts ?? []).map((host) => ({
      phase: host.slot.phase,
      view: host.view,
      metadata: host.metadata,
      hasBeenReady: host.hasBeenReady,
      readyMs: host.readyMs,
    })),
  };
}

function visibleGroup(groups: readonly HostGroup[]): HostGroup | undefined {
  const rank = ({ stage }: HostGroup) => stageOrder.indexOf(stage);
  return groups.toSorted((a, b) => rank(a) - rank(b))[0];
}

/** In the same order, so that the place of what serves is the same before, during and after a bake. */
function hostsOf(life: ModelLife, version: string): readonly RunningHost[] {
  const hosts = life.groups
    .filter((one) => one.version === version)
    .flatMap((group) => group.all.map((host) => ({ host, stage: group.stageOf(host) })));
  return stageOrder.flatMap((stage) => hosts.filter((one) => one.stage === stage));
}

function runningOf(life: ModelLife): RunningModel {
  const names = [...new Set(life.groups.map(({ version }) => version))].toSorted(compareVersions);
  return {
    name: life.name,
    config: life.config,
    problem: life.problem,
    rollout: life.rollout ?? null,
    failures: life.failures,
    versions: names.map((version) => ({
      version,
      hosts: hostsOf(life, version),
    })),
  };
}
