/*
 * The entry of a host's process: where an engine's thread is known to be needed, it starts and loads the model while
 * this thread loads the host's own modules. TODO
 */
import { tellSupervisor } from "../src/platform/child-life.ts";
import { hearEarly } from "./early-engine.ts";

process.on("message", hearEarly);
void tellSupervisor({ type: "booted" });
void import("./main.ts");
