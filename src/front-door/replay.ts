import type { Blame } from "../protocol/control.ts";
import type { Failure } from "../protocol/errors.ts";

/** Where a request was when its host died. */
export interface Casualty {
  /** Whether the host had said that it was running. */
  readonly wasRunning: boolean;
  /** Part of the answer has gone out. */
  readonly hasChunks: boolean;
  /** Hosts that died while running it, and the model was to blame. */
  readonly strikes: number;
  /** Hosts that were killed from outside, or for their memory, while running it. */
  readonly misfortunes: number;
  /** Hosts that died of their model while it was only queued there, or was being read. */
  readonly waits: number;
}

export type ReplayVerdict =
  | {
      readonly type: "replay";
      /** From now on it shares its batch with nobody. */
      readonly alone: boolean;
      readonly strikes: number;
      readonly misfortunes: number;
      readonly waits: number;
    }
  | { readonly type: "fail"; readonly failure: Failure };

const maxStrikes = 2;
const maxMisfortunes = 3;
/** A request that kills its host while it is read is never said to run; without a bound it would do so for ever. */
const maxWaits = 5;

/** The table of DESIGN's "When a host dies"; the deadline is the caller's to watch. */
export function judgeReplay(casualty: Casualty, blame: Blame): ReplayVerdict {
  const { wasRunning, hasChunks } = casualty;
  if (hasChunks) return fail("host-crashed", "its host died after part of the answer was sent");
  if (!wasRunning) return judgeQueued(casualty, blame);
  return blame === "model" ? judgeSuspect(casualty) : judgeUnlucky(casualty, blame);
}

function judgeQueued({ strikes, misfortunes, waits }: Casualty, blame: Blame): ReplayVerdict {
  const more = blame === "outside" ? 0 : 1;
  if (waits + more > maxWaits) {
    return fail("host-crashed", `${waits + more} hosts died of their model while it waited there`);
  }
  return { type: "replay", alone: strikes > 0, strikes, misfortunes, waits: waits + more };
}

function judgeSuspect({ strikes, misfortunes, waits }: Casualty): ReplayVerdict {
  if (strikes + 1 >= maxStrikes) return fail("poison-request", "its inputs have killed two hosts");
  return { type: "replay", alone: true, strikes: strikes + 1, misfortunes, waits };
}

/** After a death for memory it runs alone, so that one that does fill a host takes no others along. */
function judgeUnlucky(
  { strikes, misfortunes, waits }: Casualty,
  blame: "memory" | "outside",
): ReplayVerdict {
  if (misfortunes + 1 > maxMisfortunes) {
    return fail("host-crashed", `its host was killed ${misfortunes + 1} times while running it`);
  }
  const alone = strikes > 0 || blame === "memory";
  return { type: "replay", alone, strikes, misfortunes: misfortunes + 1, waits };
}

function fail(code: Failure["code"], words: string): ReplayVerdict {
  return { type: "fail", failure: { code, message: `Cannot answer: ${words}` } };
}
