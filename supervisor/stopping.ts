/* From the first signal to the last process: what happens when, and what a second signal means. */
import type { Settings } from "../src/config/settings.ts";
import { systemClock } from "../src/platform/clock.ts";
import type { Log } from "../src/platform/log.ts";
import type { RuntimeFolder } from "./runtime-folder.ts";
import type { Supervisor } from "./supervisor.ts";

export interface StopOptions {
  readonly settings: Pick<Settings, "drainMs" | "drainDelayMs">;
  readonly log: Log;
  readonly runtime: RuntimeFolder;
  readonly closePort: () => void;
}

/** One Ctrl-C can arrive twice, from the terminal and from npm. */
const sameSignalMs = 1_000;
const endedByForce = 1;

export function stopOnSignals(supervisor: Supervisor, options: StopOptions): void {
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    const now = systemClock.now();
    if (firstAt === undefined) {
      firstAt = now;
      options.log.info({ signal }, "stopping");
      void stop(supervisor, options);
    } else if (now - firstAt > sameSignalMs) {
      options.log.warn({ signal }, "stopping at once");
      supervisor.abandon();
      options.runtime.remove();
      process.exit(endedByForce);
    }
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

async function stop(supervisor: Supervisor, options: StopOptions): Promise<void> {
  const { settings, log, runtime, closePort } = options;
  supervisor.announceDrain();
  await new Promise<void>((resolve) => {
    systemClock.after(settings.drainDelayMs, resolve);
  });
  closePort();
  await supervisor.stop(settings.drainMs);
  runtime.remove();
  log.info("stopped");
  process.exit(0);
}
