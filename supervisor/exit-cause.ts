import type { Blame } from "../src/protocol/control.ts";

/** Why the supervisor itself ended a child. */
export type KillReason = "hang" | "overrun" | "load-timeout" | "protocol" | "stop";

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Null where the supervisor did not end it. */
  readonly killed: KillReason | null;
  /** The kernel ended something of this memory group since the child began. */
  readonly memoryKill: boolean;
}

export interface ExitVerdict {
  /** One word for metrics and people. */
  readonly cause: string;
  readonly blame: Blame;
}

const faultSignals: readonly string[] = [
  "SIGSEGV",
  "SIGABRT",
  "SIGBUS",
  "SIGILL",
  "SIGFPE",
  "SIGTRAP",
];

/** The model is to blame for faults, runs that do not end and memory kills; a kill from outside is nobody's fault. */
export function judgeExit(exit: ChildExit): ExitVerdict {
  if (exit.killed !== null) {
    const blamed = exit.killed === "overrun" || exit.killed === "protocol";
    return { cause: exit.killed, blame: blamed ? "model" : "outside" };
  }
  if (exit.memoryKill && exit.signal === "SIGKILL") return { cause: "memory", blame: "model" };
  if (exit.signal !== null) {
    const blame = faultSignals.includes(exit.signal) ? "model" : "outside";
    return { cause: exit.signal, blame };
  }
  return { cause: `exit-${exit.code}`, blame: exit.code === 0 ? "outside" : "model" };
}
