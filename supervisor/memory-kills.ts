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

/** About a second: a large process takes its time to end. */
const rememberedTicks = 4;

/** Remembers the count of a few ticks ago, so that a death is only put down to a kill that came just before. */
export class MemoryKillHistory {
  readonly #read: () => number;
  #counts: readonly number[];

  constructor(read: () => number) {
    this.#read = read;
    this.#counts = [read()];
  }

  get before(): number {
    return this.#counts[0] ?? 0;
  }

  tick(): void {
    this.#counts = [...this.#counts, this.#read()].slice(-rememberedTicks);
  }
}
