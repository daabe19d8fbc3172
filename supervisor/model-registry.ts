/* What should run: the models, their versions and the slot of every replica. What runs in a slot is the slot's. */

import type { ModelFolder } from "../src/config/model-folder.ts";
import type { Clock } from "../src/platform/clock.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { MetricSnapshot, ModelView } from "../src/protocol/views.ts";
import type { HostListener, HostSlot, HostSlotOptions } from "./host-slot.ts";
import { type ModelFacts, viewModel } from "./model-view.ts";
import { PoisonList } from "./poison-list.ts";
import type { LastExit } from "./slot.ts";

export interface RunningVersion {
  readonly version: string;
  readonly hosts: readonly HostSlot[];
}

export interface RunningModel {
  readonly name: string;
  readonly config: ModelConfig | null;
  readonly problem: string | null;
  readonly versions: readonly RunningVersion[];
}

export type SlotPlan = Pick<
  HostSlotOptions,
  "model" | "version" | "file" | "config" | "replica" | "ordinal" | "poison"
>;
export type MakeHostSlot = (plan: SlotPlan, listener: HostListener) => HostSlot;

export interface RegistryListener {
  onModel(view: ModelView): void;
  onMetrics(host: HostSlot, reportId: number, metrics: readonly MetricSnapshot[]): void;
  onDown(host: HostSlot, hostId: string, exit: LastExit): void;
}

export class ModelRegistry {
  readonly #clock: Clock;
  readonly #makeSlot: MakeHostSlot;
  readonly #models = new Map<string, RunningModel>();
  #ordinal = 0;

  constructor(clock: Clock, makeSlot: MakeHostSlot) {
    this.#clock = clock;
    this.#makeSlot = makeSlot;
  }

  get models(): readonly RunningModel[] {
    return [...this.#models.values()];
  }

  get hosts(): readonly HostSlot[] {
    return this.models.flatMap((model) => model.versions.flatMap((version) => version.hosts));
  }

  get views(): readonly ModelView[] {
    return this.models.map((model) => this.#view(model));
  }

  /** Makes the slots of a model; they begin with `slot.start()`. */
  add(folder: ModelFolder, listener: RegistryListener): void {
    const { name, problem } = folder;
    this.#models.set(name, {
      name,
      config: folder.problem === undefined ? folder.config : null,
      problem: problem ?? null,
      versions: this.#makeVersions(folder, listener),
    });
  }

  #makeVersions(folder: ModelFolder, listener: RegistryListener): readonly RunningVersion[] {
    if (folder.problem !== undefined) return [];
    const { name: model, config } = folder;
    return folder.wanted.map(({ version, file }) => {
      const plan = { model, version, file, config, poison: new PoisonList(this.#clock) };
      return { version, hosts: this.#makeHosts(plan, listener) };
    });
  }

  #makeHosts(
    plan: Omit<SlotPlan, "replica" | "ordinal">,
    listener: RegistryListener,
  ): readonly HostSlot[] {
    const hosts: HostSlot[] = [];
    const tellPoison = (fingerprint: string) => {
      for (const host of hosts) host.slot.send({ type: "poison", fingerprint });
    };
    for (let replica = 0; replica < plan.config.replicas; replica += 1) {
      this.#ordinal += 1;
      const slot: HostSlot = this.#makeSlot(
        { ...plan, replica, ordinal: this.#ordinal },
        {
          onChange: () => this.#announce(plan.model, listener),
          onMetrics: (reportId, metrics) => listener.onMetrics(slot, reportId, metrics),
          onPoison: tellPoison,
          onDown: (hostId, exit) => listener.onDown(slot, hostId, exit),
        },
      );
      hosts.push(slot);
    }
    return hosts;
  }

  #announce(name: string, listener: RegistryListener): void {
    const model = this.#models.get(name);
    if (model !== undefined) listener.onModel(this.#view(model));
  }

  #view(model: RunningModel): ModelView {
    const facts: ModelFacts = {
      ...model,
      versions: model.versions.map(({ version, hosts }) => ({
        version,
        replicas: hosts.map((host) => ({
          phase: host.slot.phase,
          view: host.view,
          metadata: host.metadata,
          hasBeenReady: host.hasBeenReady,
          readyMs: host.readyMs,
        })),
      })),
    };
    return viewModel(facts, this.#clock.now());
  }
}
