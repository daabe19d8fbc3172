/* What every child of the supervisor owes it: to end with it, to say that it is alive, and to leave signals to it. */

import type { Cadence } from "./pulse.ts";

/** The file descriptor on which the supervisor hands its own stdout to a child, for log lines. */
export const logFd = 4;

/** Says it whole to the supervisor; resolves when the operating system has it. */
export function tellSupervisor(event: object): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(event, undefined, {}, () => resolve());
  });
}

/**
 * A terminal and systemd signal the whole group, but only the supervisor decides when to stop. When it is gone, so is
 * this process: with SIGKILL, because `process.exit` aborts while native code is running.
 */
export function liveUnderSupervisor(beforeEnd: () => void): void {
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => undefined);
  const end = () => {
    beforeEnd();
    process.kill(process.pid, "SIGKILL");
  };
  process.on("disconnect", end);
  // It may be gone since before anybody listened: this process has been loading its modules.
  if (!process.connected) end();
}

/** On the command line, where the supervisor says it to its children. */
export function writeCadence({ beatMs, restMs }: Cadence): string[] {
  return [String(beatMs), String(restMs)];
}

/** On the command line too: what a process does first cannot wait for a message. */
export const threadFlag = "--engine-thread";

export function startsWithThread(): boolean {
  return process.argv.includes(threadFlag);
}

export function readCadence(): Cadence {
  return { beatMs: Number(process.argv[2]), restMs: Number(process.argv[3]) };
}
