/* The entry of a host's process: the engine's thread comes first, where one is known to be needed, and then all else. */
import "./early-engine.ts";

void import("./main.ts");
