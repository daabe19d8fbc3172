import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ProcessFigures } from "../protocol/views.ts";
import type { Beat } from "./pulse.ts";

const sampleMs = 20;

/** This process's own memory and CPU. */
export function ownFigures(eventLoopDelayMs: number): ProcessFigures {
  const { user, system } = process.cpuUsage();
  return {
    rssBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    eventLoopDelayMs: Math.round(eventLoopDelayMs * 10) / 10,
  };
}

/**
 * Reads the same with every beat; each begins the delay anew. While the process rests, how late the next beat comes has
 * to do: to sample every 20 ms took two thirds of what an idle host took in all (2026-11-26, 20 hosts of iris).
 */
export function figuresReader(): (beat: Beat) => ProcessFigures {
  const delay = monitorEventLoopDelay({ resolution: sampleMs });
  return ({ isResting, lateMs }) => {
    const longestMs = Math.max(lateMs, delay.max / 1e6 - sampleMs);
    delay.reset();
    if (isResting) delay.disable();
    else delay.enable();
    return ownFigures(longestMs);
  };
}
