// Owns the driver's process, and gives it one job at a time; what the load does is the driver's affair.
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { builtEntry } from "./built.ts";
import type { WindowEvents } from "./driver/load.ts";
import type { DriverEvent, Job, Tally } from "./driver/message.ts";

/** On top of warm-up and window: connecting, draining, and room for a machine that is busy. */
const slackMs = 20_000;

export interface Driver {
  readonly pid: number;
  run(job: Job, events: WindowEvents): Promise<Tally>;
  stop(): void;
}

export function startDriver(): Driver {
  const child = fork(builtEntry("driver/main"), {
    execArgv: [],
    serialization: "advanced", // bodies may be bytes
  });
  if (child.pid === undefined) throw new Error("Cannot start the load driver");
  return {
    pid: child.pid,
    run: (job, events) => runJob(child, job, events),
    stop: () => void child.kill("SIGKILL"),
  };
}

/** Settles with the tally, or fails with what the driver says; `events` are passed on as they come. */
function follow(child: ChildProcess, events: WindowEvents): Promise<Tally> {
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error("Cannot measure: the load driver ended")));
    // The events come from the driver alone, which built them from the same type.
    child.on("message", (message) => {
      const event = message as DriverEvent;
      switch (event.type) {
        case "opened":
          return events.onOpened();
        case "closed":
          return events.onClosed();
        case "tallied":
          return resolve(event.tally);
        case "failed":
          return reject(new Error(event.message));
      }
    });
  });
}

async function runJob(child: ChildProcess, job: Job, events: WindowEvents): Promise<Tally> {
  const limitMs = job.warmUpMs + job.windowMs + slackMs;
  const enough = new AbortController();
  const late = sleep(limitMs, undefined, { signal: enough.signal }).then(() => {
    throw new Error(`Cannot measure: no tally within ${limitMs} ms`);
  });
  try {
    child.send(job);
    return await Promise.race([follow(child, events), late]);
  } finally {
    enough.abort();
    late.catch(() => undefined);
    child.removeAllListeners();
  }
}
