// Decides and sets which cores processes may use, so that the scheduler's luck is the same for all contestants.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Placement {
  readonly driver: readonly number[];
  readonly contestant: readonly number[];
  /**
   * For who listens, where one request is in flight: a driver and a server that take turns on one core spare both the
   * wake-up that a client elsewhere pays.
   */
  readonly listenerOfOne: readonly number[];
}

/** A list of the kernel's: "0-2,5" is 0, 1, 2 and 5. */
export function parseCoreList(text: string): readonly number[] {
  return text
    .trim()
    .split(",")
    .flatMap((range) => {
      const [first = Number.NaN, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, step) => first + step);
    });
}

/** The driver has the last core; undefined where there is but one. */
export function place(cores: readonly number[]): Placement | undefined {
  if (cores.length < 2) return undefined;
  return { driver: cores.slice(-1), contestant: cores, listenerOfOne: cores.slice(0, -1) };
}

/** Undefined where the machine does not let us choose: not Linux, no `taskset`, one core. */
export function findPlacement(): Placement | undefined {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    const allowed = /^Cpus_allowed_list:\s*(.+)$/m.exec(status)?.[1];
    const placement = allowed === undefined ? undefined : place(parseCoreList(allowed));
    if (placement !== undefined) keepOn([process.pid], placement.contestant);
    return placement;
  } catch {
    return undefined;
  }
}

/** All threads that the processes have now, and those that they will start. */
export function keepOn(pids: readonly number[], cores: readonly number[]): void {
  for (const pid of pids) {
    execFileSync("taskset", ["-a", "-c", "-p", cores.join(","), String(pid)], { stdio: "ignore" });
  }
}
