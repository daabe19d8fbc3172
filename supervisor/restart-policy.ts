import type { Millis } from "../src/platform/clock.ts";
import type { RestartSettings } from "../src/protocol/model-settings.ts";

export type RestartVerdict =
  | { readonly type: "restart"; readonly delayMs: number; readonly history: readonly Millis[] }
  | { readonly type: "give-up"; readonly crashes: number };

/** The supervisor's answer to a crash. More than `intensity` in the period and we stop trying. */
export function judgeRestart(
  history: readonly Millis[],
  now: Millis,
  policy: RestartSettings,
  random: () => number,
): RestartVerdict {
  const recent = [...history, now].filter((at) => now - at <= policy.periodMs);
  if (recent.length > policy.intensity) return { type: "give-up", crashes: recent.length };
  return { type: "restart", delayMs: backoff(recent.length, policy, random), history: recent };
}

/** The first at once, then doubling from the least to the most, anywhere in the upper half of that. */
function backoff(crashes: number, policy: RestartSettings, random: () => number): number {
  if (crashes <= 1) return 0;
  const full = Math.min(policy.minBackoffMs * 2 ** (crashes - 2), policy.maxBackoffMs);
  return Math.round(full * (0.5 + random() / 2));
}

/** Crashes that a suspect caused do not use up the model's own budget, but they are bounded too. */
export const poisonPolicy: RestartSettings = {
  intensity: 10,
  periodMs: 60_000,
  minBackoffMs: 50,
  maxBackoffMs: 1_000,
};
