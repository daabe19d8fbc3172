/*
 * The life of one slot: a pure table.
 *
 * | phase       | event           | becomes     | effects                                 |
 * | ----------- | --------------- | ----------- | --------------------------------------- |
 * | queued      | forked          | starting    |                                         |
 * | starting    | ready           | ready       |                                         |
 * | starting    | refused         | given-up    | (no probe: the file must change)        |
 * | starting, ready | outgrown    | given-up    | (no probe: the limit, or the file, must change) |
 * | starting, ready | exited      | queued      | start (the first restart is at once)    |
 * | starting, ready | exited      | backing-off | wake after the backoff                  |
 * | starting, ready | exited      | given-up    | wake after 30 s, for one probe          |
 * | ready       | answered        | ready       | (crashes are forgotten)                 |
 * | backing-off, given-up | woken | queued      | start                                   |
 * | queued, backing-off, given-up | drain | stopped |                                   |
 * | starting, ready | drain       | draining    | drain                                   |
 * | draining    | exited          | stopped     |                                         |
 *
 * Every other pair leaves the instance as it is.
 */
import type { Millis } from "../src/platform/clock.ts";
import type { RestartSettings } from "../src/protocol/model-settings.ts";
import { judgeRestart, poisonPolicy } from "./restart-policy.ts";

export type Phase =
  /** Waits for its turn to start. */
  | { readonly name: "queued"; readonly since: Millis }
  | { readonly name: "starting"; readonly since: Millis }
  | { readonly name: "ready"; readonly since: Millis }
  | { readonly name: "backing-off"; readonly since: Millis; readonly restartAt: Millis }
  | { readonly name: "given-up"; readonly since: Millis; readonly reason: string }
  | { readonly name: "draining"; readonly since: Millis }
  | { readonly name: "stopped"; readonly since: Millis };

export interface Instance {
  readonly phase: Phase;
  readonly crashes: readonly Millis[];
  readonly poisonCrashes: readonly Millis[];
  /** A crash while it is being probed gives it up again at once. */
  readonly isProbe: boolean;
}

export type InstanceEvent =
  | { readonly type: "forked" }
  | { readonly type: "ready" }
  | { readonly type: "refused"; readonly reason: string }
  /** It needs more memory than it may use. */
  | { readonly type: "outgrown"; readonly reason: string }
  /** `byPoison`: a suspect was running. */
  | { readonly type: "exited"; readonly cause: string; readonly byPoison: boolean }
  | { readonly type: "answered" }
  | { readonly type: "woken" }
  | { readonly type: "drain" };

export type InstanceEffect =
  | { readonly type: "start" }
  | { readonly type: "wake"; readonly afterMs: number }
  | { readonly type: "drain" };

export interface Transition {
  readonly instance: Instance;
  readonly effects: readonly InstanceEffect[];
}

export interface Circumstances {
  readonly now: Millis;
  readonly policy: RestartSettings;
  readonly random: () => number;
}

export const probeAfterMs = 30_000;

export function newInstance(now: Millis): Instance {
  return { phase: { name: "queued", since: now }, crashes: [], poisonCrashes: [], isProbe: false };
}

export function transition(
  instance: Instance,
  event: InstanceEvent,
  circumstances: Circumstances,
): Transition {
  const since = circumstances.now;
  const { name } = instance.phase;
  switch (event.type) {
    case "forked":
      return name === "queued" ? to(instance, { name: "starting", since }) : stay(instance);
    case "ready":
      return name === "starting" ? to(instance, { name: "ready", since }) : stay(instance);
    case "refused":
    case "outgrown":
      return condemn(instance, event, since);
    case "exited":
      return exited(instance, event, circumstances);
    case "answered":
      if (name !== "ready") return stay(instance);
      return stay({ ...instance, crashes: [], poisonCrashes: [], isProbe: false });
    case "woken":
      return wake(instance, since);
    case "drain":
      return drain(instance, since);
  }
}

function stay(instance: Instance): Transition {
  return { instance, effects: [] };
}

function to(instance: Instance, phase: Phase, effects: readonly InstanceEffect[] = []): Transition {
  return { instance: { ...instance, phase }, effects };
}

function condemn(
  instance: Instance,
  { type, reason }: Extract<InstanceEvent, { readonly type: "refused" | "outgrown" }>,
  since: Millis,
): Transition {
  const { name } = instance.phase;
  const isThere = name === "starting" || (name === "ready" && type === "outgrown");
  return isThere ? to(instance, { name: "given-up", since, reason }) : stay(instance);
}

function wake(instance: Instance, since: Millis): Transition {
  const { name } = instance.phase;
  if (name !== "backing-off" && name !== "given-up") return stay(instance);
  const probing = { ...instance, isProbe: name === "given-up" };
  return to(probing, { name: "queued", since }, [{ type: "start" }]);
}

function exited(
  instance: Instance,
  { cause, byPoison }: { readonly cause: string; readonly byPoison: boolean },
  { now, policy, random }: Circumstances,
): Transition {
  const { name } = instance.phase;
  if (name === "draining") return to(instance, { name: "stopped", since: now });
  if (name !== "starting" && name !== "ready") return stay(instance);
  const history = byPoison ? instance.poisonCrashes : instance.crashes;
  const verdict = judgeRestart(history, now, byPoison ? poisonPolicy : policy, random);
  if (instance.isProbe) return giveUp(instance, now, `its probe start ended: ${cause}`);
  if (verdict.type === "give-up") {
    return giveUp(instance, now, `${verdict.crashes} crashes in a row, the last: ${cause}`);
  }
  const remembered = byPoison
    ? { ...instance, poisonCrashes: verdict.history }
    : { ...instance, crashes: verdict.history };
  if (verdict.delayMs === 0) {
    return to(remembered, { name: "queued", since: now }, [{ type: "start" }]);
  }
  const restartAt = now + verdict.delayMs;
  const wake = { type: "wake", afterMs: verdict.delayMs } as const;
  return to(remembered, { name: "backing-off", since: now, restartAt }, [wake]);
}

function giveUp(instance: Instance, now: Millis, reason: string): Transition {
  const wake = { type: "wake", afterMs: probeAfterMs } as const;
  return to({ ...instance, isProbe: false }, { name: "given-up", since: now, reason }, [wake]);
}

function drain(instance: Instance, since: Millis): Transition {
  const { name } = instance.phase;
  if (name === "draining" || name === "stopped") return stay(instance);
  if (name === "starting" || name === "ready") {
    return to(instance, { name: "draining", since }, [{ type: "drain" }]);
  }
  return to(instance, { name: "stopped", since });
}
