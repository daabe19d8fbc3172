import { readFileSync } from "node:fs";

/** Undefined where the system does not say, or there is no such process. */
export type ReadRss = (pid: number) => number | undefined;

/**
 * In bytes, as the kernel counts it: a host may be hung, or say what its model wants it to. From `status`, since `statm`
 * counts in pages, whose size Node does not tell.
 */
export const readRss: ReadRss = (pid) => {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return match === null ? undefined : Number(match[1]) * 1_024;
  } catch {
    return undefined;
  }
};
