/* Loads the model that a host serves a second time, for the other thread; which of the two serves is the watch's. */
import type { EngineThread } from "../src/protocol/views.ts";
import type { LoadedModel, OwnedEngine } from "./engine.ts";
import {
  type EngineOptions,
  type LoadedEngine,
  obstacleOf,
  shapeObstacle,
  slowReason,
} from "./engine-choice.ts";
import { returnBelowMs } from "./engine-review.ts";
import { InlineEngine } from "./inline-engine.ts";
import { currentStamp } from "./model-file.ts";
import { ThreadEngine } from "./thread-engine.ts";
import type { Timed } from "./timed-run.ts";
import { warmUp } from "./warm-up.ts";

/** Final where another moment would not change it. */
interface Refused {
  readonly type: "refused";
  readonly reason: string;
  readonly isFinal: boolean;
}

export type Opened = { readonly type: "opened"; readonly engine: OwnedEngine } | Refused;

/** Told when a thread ends that it has started. It may never settle then. */
export type OpenEngine = (
  thread: EngineThread,
  onDeath: (reason: string) => void,
) => Promise<Opened>;

export type OpeningOptions = Pick<EngineOptions, "file" | "beside" | "settings" | "trial">;
/** Who changes a file in place changes what a second load would serve. */
type FilesRead = Pick<LoadedModel, "stamp" | "externalFiles">;

const changed: Refused = {
  type: "refused",
  reason: "its files are no longer those that it was loaded from",
  isFinal: true,
};

/** Whatever is opened is warm before it serves. */
export function engineOpener(
  options: OpeningOptions,
  { metadata, model: first }: Pick<LoadedEngine, "metadata"> & { readonly model: FilesRead },
): OpenEngine {
  const { file, beside, settings } = options;
  const load = async (engine: OwnedEngine, warm: Warm): Promise<Opened> => {
    const model = await engine.load(file, settings, beside);
    // They may have changed since they were looked at.
    const isSame = model.stamp === first.stamp;
    const refused = isSame ? await warm({ engine, model, metadata }) : changed;
    if (refused === undefined) return { type: "opened", engine };
    await engine.close();
    return refused;
  };
  const open = async (engine: OwnedEngine, warm: Warm): Promise<Opened> => {
    try {
      return await load(engine, warm);
    } catch (thrown) {
      await engine.close();
      throw thrown;
    }
  };
  const openOnMain = async (): Promise<Opened> => {
    const obstacle = shapeObstacle(metadata) ?? (await obstacleOf(options));
    if (obstacle !== undefined) return { type: "refused", reason: obstacle, isFinal: true };
    return open(new InlineEngine(), warmOnMain);
  };
  return async (thread, onDeath) => {
    // What lies there now is not even loaded: it may be of any size.
    const stamp = await currentStamp(file, beside, first.externalFiles);
    if (stamp !== first.stamp) return changed;
    return thread === "main" ? openOnMain() : open(new ThreadEngine(onDeath), warmOnly);
  };
}

/** Resolves with what speaks against the engine after all. */
type Warm = (timed: Timed) => Promise<Refused | undefined>;

const warmOnly: Warm = async ({ engine, model, metadata }) => {
  await warmUp(engine, model, metadata);
  return undefined;
};

const warmOnMain: Warm = async (timed) => {
  const reason = await slowReason(timed, returnBelowMs);
  return reason === undefined ? undefined : { type: "refused", reason, isFinal: false };
};
