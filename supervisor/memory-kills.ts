import { readFileSync } from "node:fs";

const eventsFile = "/sys/fs/cgroup/memory.events";

/** How many processes of our memory group the kernel has ended so far; 0 where it does not say. */
export function memoryKills(): number {
  try {
    const match = /^oom_kill (\d+)$/m.exec(readFileSync(eventsFile, "utf8"));
    return Number(match?.[1] ?? 0);
  } catch {
    return 0;
  }
}
