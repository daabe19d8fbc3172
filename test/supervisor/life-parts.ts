/* A model's life with processes that do what the test says. */
import { setImmediate as turn } from "node:timers/promises";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { ModelFolder, ModelVersion } from "../../src/config/model-folder.ts";
import type { HostCommand } from "../../src/protocol/control.ts";
import type { ModelConfig } from "../../src/protocol/model-settings.ts";
import type { MakeHostSlot } from "../../supervisor/host-group.ts";
import { HostSlot } from "../../supervisor/host-slot.ts";
import type { LifeListener } from "../../supervisor/life-parts.ts";
import type { ServePlan } from "../../supervisor/model-plan.ts";
import { ModelRegistry } from "../../supervisor/model-registry.ts";
import { FakeClock } from "../fake-clock.ts";
import { type FakeChild, FakeForks, slotContext } from "./fake-forks.ts";
import { metadata } from "./metadata.ts";

export function versionOf(version: string): ModelVersion {
  return { version, file: `/models/m/${version}/model.onnx`, beside: [] };
}

export function planFor(fields: Partial<ModelConfig>, ...versions: readonly string[]): ServePlan {
  const config = { ...defaultModelConfig, ...fields };
  return { type: "serve", config, versions: versions.map(versionOf) };
}

export function makeReady(child: FakeChild<HostCommand> | undefined): void {
  child?.says({ type: "booted" });
  child?.says({ type: "loaded" });
  child?.says({ type: "ready", metadata });
}

/** Lets what was promised come to pass. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await turn();
}

/** What the kernel says of processes, by their numbers. */
export type RssByPid = Map<number, number>;

/** A registry of models whose processes are the test's. */
export function makeRegistry(onWatch: LifeListener["onWatch"] = () => undefined) {
  const clock = new FakeClock();
  const forks = new FakeForks<HostCommand>();
  const rollouts: string[] = [];
  const steps: string[] = [];
  const rss: RssByPid = new Map();
  const context = { ...slotContext(clock), readRss: (pid: number) => rss.get(pid) };
  const makeSlot: MakeHostSlot = (plan, listener) => {
    const log = { level: "silent" as const, pretty: false };
    const sizes = { maxFrameBytes: 1, drainSequencesMs: 1 };
    const shared = { fork: forks.fork, socketFolder: "/nowhere", ...sizes, log };
    return new HostSlot(context, { ...plan, ...shared }, listener);
  };
  const listener: LifeListener = {
    onView: () => undefined,
    onHost: () => undefined,
    onStep: (_, version, step) => steps.push(`${version} ${step}`),
    onBeat: () => undefined,
    onWatch,
    onMetrics: () => undefined,
    onDown: () => undefined,
    onRollout: (_, versions, { name }) => rollouts.push(`${versions.join("+")} ${name}`),
  };
  const registry = new ModelRegistry({ clock, makeSlot, drainMs: 1_000, listener });
  return { clock, forks, rss, rollouts, steps, makeSlot, registry };
}

export function startLife(
  booted: ServePlan,
  folderVersions: readonly string[] = ["1", "2"],
  onWatch: LifeListener["onWatch"] = () => undefined,
) {
  const parts = makeRegistry(onWatch);
  const { registry } = parts;
  const versions = folderVersions.map(versionOf);
  const folder: ModelFolder = { name: "m", versions, wanted: versions, config: booted.config };
  const known = registry.add(folder, booted);
  known.life.start();
  /** Each version's state, and the numbers of the processes that get its requests. */
  const view = () =>
    registry.view(known).versions.map(({ version, state, hosts }) => {
      const pids = hosts.map(
        ({ hostId }) => registry.hosts.find((host) => host.hostId === hostId)?.slot.pid,
      );
      return [version, state, ...pids].join(" ");
    });
  return { ...parts, life: known.life, known, view };
}
