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
import { ThreadEngine } from "./thread-engine.ts";
import type { Timed } from "./timed-run.ts";
import { warmUp } from "./warm-up.ts";

export type Opened =
  | { readonly type: "opened"; readonly engine: OwnedEngine }
  /** Final where another moment would not change it. */
  | { readonly type: "refused"; readonly reason: string; readonly isFinal: boolean };

/** Told when a thread ends that it has started. It may never settle then. */
export type OpenEngine = (
  thread: EngineThread,
  onDeath: (reason: string) => void,
) => Promise<Opened>;

export type OpeningOptions = Pick<EngineOptions, "file" | "beside" | "settings" | "trial">;
/** Who changes a file in place changes what a second load would serve. */
type Stamped = Pick<LoadedModel, "stamp">;

/** Whatever is opened is warm before it serves. */
export function engineOpener(
  options: OpeningOptions,
  { metadata, model: { stamp } }: Pick<LoadedEngine, "metadata"> & { readonly model: Stamped },
): OpenEngine {
  const opened = async (engine: OwnedEngine, warm: Warm): Promise<Opened> => {
    const model = await engine.load(options.file, options.settings, options.beside);
    const reason =
      model.stamp === stamp
        ? await warm({ engine, model, metadata })
        : "its files are no longer those that it was loaded from";
    if (reason === undefined) return { type: "opened", engine };
    await engine.close();
    return { type: "refused", reason, isFinal: false };
  };
  const open = async (engine: OwnedEngine, warm: Warm): Promise<Opened> => {
    try {
      return await opened(engine, warm);
    } catch (thrown) {
      await engine.close();
      throw thrown;
    }
  };
  const openOnMain = async (): Promise<Opened> => {
    const obstacle = shapeObstacle(metadata) ?? (await obstacleOf(options));
    if (obstacle !== undefined) return { type: "refused", reason: obstacle, isFinal: true };
    return open(new InlineEngine(), (timed) => slowReason(timed, returnBelowMs));
  };
  return (thread, onDeath) =>
    thread === "main" ? openOnMain() : open(new ThreadEngine(onDeath), warmOnly);
}

/** Resolves with what speaks against the engine after all. */
type Warm = (timed: Timed) => Promise<string | undefined>;

const warmOnly: Warm = async ({ engine, model, metadata }) => {
  await warmUp(engine, model, metadata);
  return undefined;
};
