import { setPriority } from "node:os";

/** Of a process that gives way to those that serve. */
const throwawayPriority = 10;

/** Where it has just died, or was never born, there is nothing to lower. */
export function giveWay(pid: number): void {
  if (pid === 0) return;
  try {
    setPriority(pid, throwawayPriority);
  } catch {
    // It runs at the usual priority, which only costs the others a little.
  }
}
