import type { EpochMillis } from "../src/platform/clock.ts";
import type { Blame } from "../src/protocol/control.ts";

/** Why the supervisor itself ended a child. */
export type KillReason = "hang" | "overrun" | "load-timeout" | "protocol" | "memory-limit" | "stop";

/** Neither code nor signal: it could not be forked. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Null where the supervisor did not end it. */
  readonly killed: KillReason | null;
  /** The kernel ended something of this memory group just before, in the lifetime of the child. */
  readonly memoryKill: boolean;
}

export interface ExitVerdict {
  /** One word for metrics and people. */
  readonly cause: string;
  readonly blame: Blame;
}

export interface LastExit extends ExitVerdict {
  /** Null where it could not be forked. */
  readonly pid: number | null;
  /** It had been asked to end, or given up. */
  readonly isExpected: boolean;
  readonly at: EpochMillis;
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines that it wrote to stderr. */
  readonly stderr: readonly string[];
}

const faultSignals: readonly string[] = [
  "SIGSEGV",
  "SIGABRT",
  "SIGBUS",
  "SIGILL",
  "SIGFPE",
  "SIGTRAP",
];

const blames: Readonly<Record<KillReason, Blame>> = {
  overrun: "model",
  protocol: "model",
  "memory-limit": "memory",
  hang: "outside",
  "load-timeout": "outside",
  stop: "outside",
};

/** The model is to blame for faults and runs that do not end; a kill from outside is nobody's fault. */
export function judgeExit(exit: ChildExit): ExitVerdict {
  if (exit.killed !== null) return { cause: exit.killed, blame: blames[exit.killed] };
  if (exit.signal !== null) return judgeSignal(exit.signal, exit.memoryKill);
  if (exit.code === null) return { cause: "spawn", blame: "outside" };
  return { cause: `exit-${exit.code}`, blame: exit.code === 0 ? "outside" : "model" };
}

function judgeSignal(signal: NodeJS.Signals, memoryKill: boolean): ExitVerdict {
  if (memoryKill && signal === "SIGKILL") return { cause: "memory", blame: "memory" };
  return { cause: signal, blame: faultSignals.includes(signal) ? "model" : "outside" };
}

/** A host that was killed from outside says nothing of its trial. */
export function isOfTrial({ blame, cause }: ExitVerdict): boolean {
  return blame !== "outside" || cause === "load-timeout" || cause === "hang";
}
