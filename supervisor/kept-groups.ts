import type { ModelVersion } from "../src/config/model-folder.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelConfig } from "../src/protocol/model-settings.ts";
import type { HostGroup } from "./host-group.ts";
import { limitProblem } from "./memory-judge.ts";
import { hostKey, type ServePlan } from "./model-plan.ts";

/**
 * Of the groups that serve those that go on as they are, by version: the same file, a configuration that means the same
 * to hosts. One that is given up stays so where others serve, whatever the configuration: every change of theirs would
 * fail with it. It gets another try with another limit.
 */
export function keptBy(
  { versions, config }: ServePlan,
  serving: readonly HostGroup[],
  renew: ReadonlySet<string>,
): ReadonlyMap<string, HostGroup> {
  const key = hostKey(config);
  const othersServe = serving.some(({ isHopeful }) => isHopeful);
  const isAsWanted = (group: HostGroup) =>
    group.isHopeful
      ? hostKey(group.config) === key
      : othersServe && group.config.limits.memoryMb === config.limits.memoryMb;
  const kept = new Map<string, HostGroup>();
  for (const { version, file } of versions) {
    const group = serving.find((one) => one.version === version && one.plan.file === file);
    if (group === undefined || renew.has(version)) continue;
    if (isAsWanted(group)) kept.set(version, group);
  }
  return kept;
}

/** Whether those that serve are what the plan wants, and nothing else. */
export function isServedBy(
  plan: ServePlan,
  serving: readonly HostGroup[],
  renew: ReadonlySet<string>,
): boolean {
  const kept = keptBy(plan, serving, renew);
  return (
    kept.size === plan.versions.length &&
    serving.every((group) => kept.get(group.version) === group)
  );
}

/** What those serve that can. */
export function filesInPlace(serving: readonly HostGroup[]): readonly ModelVersion[] {
  return serving
    .filter(({ isHopeful }) => isHopeful)
    .map(({ plan: { version, file, beside }, stamps }) => ({ version, file, beside, stamps }));
}

/** Throws where a new limit would have hosts killed that go on under it. */
export function refuseLimit({ config }: ServePlan, kept: readonly HostGroup[]): void {
  const rss = kept.flatMap(({ all }) => all.map(({ slot }) => slot.rssBytes ?? 0));
  const problem = limitProblem(config.limits.memoryMb, rss);
  if (problem !== null) throw new TroupeError("invalid-model", `Cannot serve model: ${problem}`);
}

/** Those that are to have more replicas; one that is given up has no use for them. */
export function tooFew(
  groups: readonly HostGroup[],
  { replicas }: ModelConfig,
): readonly HostGroup[] {
  return groups.filter(({ isHopeful, hosts }) => isHopeful && hosts.length < replicas);
}

/** Gives those that still serve what holds without new processes; one that was told otherwise is to be replaced. */
export async function adjust(groups: readonly HostGroup[], config: ModelConfig): Promise<void> {
  const key = hostKey(config);
  const goingOn = groups.filter(({ stage }) => stage === "serving");
  const alike = goingOn.filter((group) => hostKey(group.config) === key);
  for (const group of alike) group.config = config;
  const hopeful = alike.filter(({ isHopeful }) => isHopeful);
  await Promise.all(hopeful.map((group) => group.scale(config.replicas)));
}
