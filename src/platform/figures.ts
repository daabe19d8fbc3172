import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ProcessFigures } from "../protocol/views.ts";

const sampleMs = 20;

/** Reads this process's own memory, CPU and event-loop delay; each reading begins the delay anew. */
export function figuresReader(): () => ProcessFigures {
  const delay = monitorEventLoopDelay({ resolution: sampleMs });
  delay.enable();
  return () => {
    const { user, system } = process.cpuUsage();
    const longestMs = Math.max(0, delay.max / 1e6 - sampleMs);
    delay.reset();
    return {
      rssBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      eventLoopDelayMs: Math.round(longestMs * 10) / 10,
    };
  };
}
