/* Loads the model that a host serves a second time, for the other thread; which of the two serves is the watch's. */
import { stat } from "node:fs/promises";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { EngineThread } from "../src/protocol/views.ts";
import type { OwnedEngine } from "./engine.ts";
import { type EngineOptions, obstacleOf, shapeObstacle, slowReason } from "./engine-choice.ts";
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

type Files = Pick<EngineOptions, "file" | "beside">;
export type OpeningOptions = Files & Pick<EngineOptions, "settings" | "trial">;

/**
 * Taken before the first load: who changes a file in place changes what a second load would serve. Undefined where a file
 * is not there.
 */
export async function marksOf({ file, beside }: Files): Promise<string | undefined> {
  const marks = [file, ...beside.map((named) => named.file)].map(async (path) => {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [path, dev, ino, size, mtimeNs, ctimeNs].join(" ");
  });
  return Promise.all(marks).then(
    (all) => all.join("\n"),
    () => undefined,
  );
}

/** Whatever is opened is warm before it serves. */
export function engineOpener(
  options: OpeningOptions,
  metadata: ModelMetadata,
  marks: string | undefined,
): OpenEngine {
  const opened = async (engine: OwnedEngine, warm: Warm): Promise<Opened> => {
    const model = await engine.load(options.file, options.settings, options.beside);
    const reason =
      (await changedReason(options, marks)) ?? (await warm({ engine, model, metadata }));
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

async function changedReason(files: Files, marks: string | undefined): Promise<string | undefined> {
  const isSame = marks !== undefined && (await marksOf(files)) === marks;
  return isSame ? undefined : "its files are no longer those that it was loaded from";
}
