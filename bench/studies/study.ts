import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { type Contestant, startContestant } from "../contestant.ts";
import type { Job, Tally } from "../driver/message.ts";
import type { Driver } from "../driver-process.ts";
import type { Finding } from "../finding.ts";
import type { BenchOptions } from "../options.ts";
import { type TroupeSettings, troupeSpec } from "../troupe.ts";
import { tiny } from "../work.ts";

/** What is measured of Troupe alone, by its own means. */
export type Study = (stage: Stage) => Promise<readonly Finding[]>;

export interface Stage {
  readonly driver: Driver;
  readonly options: BenchOptions;
  /** Gone after the run. */
  readonly folder: string;
  /** What goes on, for who waits. */
  readonly say: (text: string) => void;
}

const silent = { onOpened: () => undefined, onClosed: () => undefined };

/** `tiny` in a closed loop of 64 connections, where nothing else is said. */
export function load(
  stage: Stage,
  { port }: Contestant,
  changes: Partial<Job> = {},
  events = silent,
): Promise<Tally> {
  const { transport, path, headers, body } = tiny;
  const usual: Job = {
    port,
    transport,
    paths: [path],
    headers,
    body,
    connections: 64,
    depth: 1,
    arrivals: { type: "closed" },
    warmUpMs: 300,
    windowMs: stage.options.seconds * 1000,
  };
  return stage.driver.run({ ...usual, ...changes }, events);
}

export function newFolder(stage: Stage): string {
  return mkdtempSync(join(stage.folder, "models-"));
}

/** Ends in any case. */
export async function withTroupe<T>(
  stage: Stage,
  settings: TroupeSettings,
  use: (troupe: Contestant) => Promise<T>,
): Promise<T> {
  const { logLevel } = stage.options;
  const troupe = await startContestant(troupeSpec({ logLevel, ...settings }));
  try {
    return await use(troupe);
  } finally {
    await troupe.stop();
  }
}

/** Which rounds there are, and no more than `most`. */
export function roundsOf({ options }: Stage, most = options.rounds): readonly number[] {
  return Array.from({ length: Math.min(most, options.rounds) }, (_, at) => at + 1);
}
