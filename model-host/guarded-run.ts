/* One batch under guard: the breaker counts it, a suspect is named before it runs, and a run that does not end is told. */
import type { Clock } from "../src/platform/clock.ts";
import type { HostEvent, HostSpec } from "../src/protocol/control.ts";
import type { TroupeError } from "../src/protocol/errors.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import { runBatch, type SliceResult, type StartedBatch, type WatchRun } from "./batch-run.ts";
import type { Breaker } from "./breaker.ts";
import type { Engine } from "./engine.ts";
import { fingerprint } from "./fingerprint.ts";
import type { WorkSlice } from "./work.ts";
import { traceRunBegun, traceRunEnded } from "./work-trace.ts";

export interface GuardParts {
  readonly spec: Pick<HostSpec, "runMs">;
  readonly model: ServedModel;
  readonly engine: Engine;
  readonly clock: Clock;
  /** Resolves when the supervisor's side of the channel has it. */
  readonly tell: (event: HostEvent) => Promise<void>;
  /** The engine has been given another batch already. */
  readonly hasNext: () => boolean;
}

export interface GuardedRun {
  /** One for each slice, in order. */
  readonly results: readonly SliceResult[];
  readonly tookMs: number;
  /** Those runs of the engine that succeeded: more than one where the batch failed as a whole. */
  readonly runs: readonly EngineRun[];
  /** The fingerprint that was named, to be cleared when the answer has been written too. */
  readonly suspect: string | undefined;
}

export interface EngineRun {
  readonly slices: readonly WorkSlice[];
  readonly tookMs: number;
}

/** A run is ended this long after its last request has expired, or after its begin where that comes later. */
const afterExpiryMs = 1_000;

/** Never rejects: what the breaker does not let through fails slice by slice. */
export async function runGuarded(
  slices: readonly WorkSlice[],
  breaker: Breaker,
  parts: GuardParts,
  started?: StartedBatch,
): Promise<GuardedRun> {
  const suspect = suspectOf(slices);
  if (suspect !== undefined) await parts.tell({ type: "suspect", fingerprint: suspect });
  const beganAt = parts.clock.now();
  const runs: EngineRun[] = [];
  const watching = (some: readonly WorkSlice[]) =>
    watch(some, { ...parts, isAgain: some !== slices }, runs);
  const results = await guard(slices, breaker, parts, { watching, started });
  return { results, tookMs: parts.clock.now() - beganAt, runs, suspect };
}

function suspectOf(slices: readonly WorkSlice[]): string | undefined {
  const work = slices[0]?.work;
  return work?.alone === true ? (work.fingerprint ?? undefined) : undefined;
}

async function guard(
  slices: readonly WorkSlice[],
  breaker: Breaker,
  { engine, model }: Pick<GuardParts, "engine" | "model">,
  {
    watching,
    started,
  }: { readonly watching: WatchRun; readonly started: StartedBatch | undefined },
): Promise<readonly SliceResult[]> {
  let results: readonly SliceResult[] = [];
  const run = async () => {
    results = await runBatch(engine, model, slices, watching, started);
    const failed = results.find((result) => result.type === "failed");
    if (failed !== undefined && results.every(({ type }) => type === "failed")) throw failed.error;
  };
  // The batch before it has opened the breaker, but the engine runs it all the same: unwatched, a run that does not end
  // would be taken for that of whoever comes next.
  if (started !== undefined && breaker.state !== "closed") {
    await run().catch(() => undefined);
    return results;
  }
  await breaker.guard(run).catch((thrown: unknown) => {
    results = slices.map(() => ({ type: "failed", error: thrown as TroupeError }));
  });
  return results;
}

interface WatchParts extends GuardParts {
  /** The batch that these rows were part of has failed. */
  readonly isAgain: boolean;
}

/** Notes the run in `runs` where it ends well, and its time with all who were part of it. */
function watch(
  slices: readonly WorkSlice[],
  parts: WatchParts,
  runs: EngineRun[],
): (isWell: boolean) => void {
  const beganAt = parts.clock.now();
  const disarm = arm(slices, parts, beganAt);
  traceRunBegun(slices, beganAt);
  return (isWell) => {
    disarm();
    const endedAt = parts.clock.now();
    traceRunEnded(slices, endedAt);
    const tookMs = endedAt - beganAt;
    for (const { work } of slices) work.runUs += tookMs * 1_000;
    if (isWell) runs.push({ slices, tookMs });
  };
}

/**
 * Only killing the process ends a run, and only the supervisor kills. A run past its limit speaks against its inputs; one
 * whose callers were impatient does not.
 */
function arm(
  slices: readonly WorkSlice[],
  { clock, spec, tell, isAgain, hasNext }: WatchParts,
  beganAt: number,
): () => void {
  const lastDeadlineAt = Math.max(beganAt, ...slices.map(({ work }) => work.deadlineAt));
  const expiryMs = lastDeadlineAt + afterExpiryMs - beganAt;
  if (expiryMs < spec.runMs) {
    const reason = "its run went on after its last request had expired";
    return clock.after(expiryMs, () => void tell({ type: "overrun", fingerprint: null, reason }));
  }
  const reason = `its run took longer than ${spec.runMs} ms`;
  return clock.after(spec.runMs, () => {
    // The batch ahead runs before rows that are run again, and it may be that which does not end.
    const isSure = !isAgain || !hasNext();
    void tell({ type: "overrun", fingerprint: isSure ? loneFingerprint(slices) : null, reason });
  });
}

/** Among several, nobody knows which; and what a sequence remembers may be to blame. */
function loneFingerprint(slices: readonly WorkSlice[]): string | null {
  const [only, ...others] = slices;
  if (only === undefined || others.length > 0 || only.work.sequence?.state) return null;
  // The run has the inputs' memory: what was not hashed before cannot be now, and a second run will be alone and hashed.
  if (only.work.ownMemory !== null) return only.work.fingerprint;
  return fingerprint(only.work.request);
}
