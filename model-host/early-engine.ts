import { startsWithThread } from "../src/platform/child-life.ts";
import { die } from "./death.ts";
import { ThreadEngine } from "./thread-engine.ts";

/**
 * Where the host before needed an engine's thread, it starts with the process: it loads ONNX Runtime while the main
 * thread loads the host's own modules. TODO
 */
export const earlyEngine = startsWithThread() ? new ThreadEngine(die) : undefined;
