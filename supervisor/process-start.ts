import { readFileSync } from "node:fs";
import { isAlive } from "./runtime-folder.ts";

/**
 * When a process began, in ticks of the kernel's, which tells it from a later one of the same number; 0 where this cannot
 * be known. Undefined where there is none, or only what is left of one that its parent has not buried.
 */
export function processStart(pid: number): string | undefined {
  const [state, ...rest] = statOf(pid);
  if (state === undefined) return pid === process.pid || isAlive(pid) ? "0" : undefined;
  return state === "Z" || state === "X" ? undefined : rest[startAt];
}

/** Counted from behind the state. */
const startAt = 18;

/** What stands behind the process's name, which may hold anything; empty where there is no /proc. */
function statOf(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}
