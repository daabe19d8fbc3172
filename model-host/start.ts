/*
 * The entry of a host's process: where an engine's thread is known to be needed, it starts and loads the model while
 * this thread loads the host's own modules. Until a host of 1 MB is ready takes 0.70 of the time then, and 0.86 where
 * only the thread starts early (15 alternating starts on two busy cores, 2026-11-26, from the fork to `ready`;
 * `npm run bench -- --works start` shows the whole). V8's flags cost more than they save (--max-lazy, --no-opt), or save
 * nothing (--single-threaded-gc), as Node's own code cache does not fit any others than it was made with.
 */
import { tellSupervisor } from "../src/platform/child-life.ts";
import { hearEarly } from "./early-engine.ts";

process.on("message", hearEarly);
void tellSupervisor({ type: "booted" });
void import("./main.ts");
