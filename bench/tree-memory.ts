// Reads how much memory a process and its descendants hold, from /proc: Linux only.
import { readFileSync } from "node:fs";
import { readTreePids } from "./cpu-usage.ts";

const mebibyteInKibibytes = 1024;

/** MiB of a whole tree. */
export interface TreeMemory {
  readonly processes: number;
  /** Pages that several processes share count in each of them. */
  readonly rssMb: number;
  /** Pages that several processes share count once, in parts. */
  readonly pssMb: number;
}

/** man 5 proc, /proc/pid/smaps_rollup: KiB under a name; 0 where it is not there. */
export function parseRollup(text: string, name: "Rss" | "Pss"): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
}

/** Empty for a process that has ended since it was listed. */
function readRollup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  } catch {
    return "";
  }
}

export function readTreeMemory(rootPid: number): TreeMemory {
  const rollups = readTreePids(rootPid)
    .map(readRollup)
    .filter((text) => text !== "");
  const sum = (name: "Rss" | "Pss") =>
    rollups.reduce((total, text) => total + parseRollup(text, name), 0) / mebibyteInKibibytes;
  return { processes: rollups.length, rssMb: sum("Rss"), pssMb: sum("Pss") };
}
