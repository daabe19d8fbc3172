// Reads what single processes take, from /proc: Linux only.
import { readdirSync, readFileSync } from "node:fs";
import { parseRollup } from "./tree-memory.ts";

const nanosecondsInSecond = 1e9;
const kibibytesInMebibyte = 1024;

/** One line of /proc/<pid>/task/<tid>/schedstat: nanoseconds on a core, and others. */
export function parseSchedstat(text: string): number {
  return Number.parseInt(text, 10) / nanosecondsInSecond;
}

/** Empty for a thread that has ended since it was listed. */
function readSchedstat(pid: number, thread: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8");
  } catch {
    return "0";
  }
}

/** CPU seconds of its threads up to now, far finer than the ticks of /proc/<pid>/stat; without those that have ended. */
export function readCpuSeconds(pids: readonly number[]): number {
  const threads = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((thread) => readSchedstat(pid, thread)),
  );
  return threads.reduce((sum, text) => sum + parseSchedstat(text), 0);
}

/** Resident memory in MiB, pages that are shared with others included. */
export function readRssMb(pids: readonly number[]): number {
  const rollups = pids.map((pid) => readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  const kibibytes = rollups.reduce((sum, text) => sum + parseRollup(text, "Rss"), 0);
  return kibibytes / kibibytesInMebibyte;
}
