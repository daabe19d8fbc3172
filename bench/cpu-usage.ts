// Reads what processes have used from /proc; where there is none (not Linux) nothing is known.
import { readdirSync, readFileSync } from "node:fs";

/** Linux fixes the unit of /proc at 100 a second on every platform that Node runs on: man 5 proc, USER_HZ. */
const ticksPerSecond = 100;

export interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  /** Its own, and of those of its children that ended and were waited for. */
  readonly cpuTicks: number;
}

/** One line of /proc/<pid>/stat: man 5 proc. The name may hold blanks and brackets, so fields count from the last one. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  // Of the fields after the name: 1 is ppid; 11 to 14 are utime, stime, cutime and cstime.
  const cpuTicks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number.parseInt(line, 10), parentPid: Number(fields[1]), cpuTicks };
}

/** The process and all that descend from it, in no order. */
export function treeOf(stats: readonly ProcessStat[], rootPid: number): readonly ProcessStat[] {
  const root = stats.filter(({ pid }) => pid === rootPid);
  const children = stats.filter(({ parentPid }) => parentPid === rootPid);
  return [...root, ...children.flatMap(({ pid }) => treeOf(stats, pid))];
}

/** The `cpu` line of /proc/stat: man 5 proc. All that was not idle, without what guests took: `user` holds it already. */
export function parseBusyTicks(text: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = text
    .slice(0, text.indexOf("\n"))
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq + steal;
}

/** Undefined for a process that has ended since it was listed. */
function readStat(pid: string): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

function readStats(): readonly ProcessStat[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(readStat).filter((stat) => stat !== undefined);
}

/** A process and its descendants; of the process alone where the machine does not tell. */
export function readTreePids(rootPid: number): readonly number[] {
  if (process.platform !== "linux") return [rootPid];
  return treeOf(readStats(), rootPid).map(({ pid }) => pid);
}

/** CPU seconds up to now. */
export interface CpuReading {
  readonly tree: number;
  readonly machine: number;
}

/** Of a process with its descendants, and of the whole machine; undefined where the machine does not tell. */
export function readCpu(rootPid: number): CpuReading | undefined {
  if (process.platform !== "linux") return undefined;
  const treeTicks = treeOf(readStats(), rootPid).reduce((sum, { cpuTicks }) => sum + cpuTicks, 0);
  const machineTicks = parseBusyTicks(readFileSync("/proc/stat", "utf8"));
  return { tree: treeTicks / ticksPerSecond, machine: machineTicks / ticksPerSecond };
}
