/* What a host's process can do while its modules are still being loaded: hear commands, and get its engine going. */
import { startsWithThread } from "../src/platform/child-life.ts";
import type { HostCommand } from "../src/protocol/control.ts";
import { die } from "./death.ts";
import type { LoadedModel } from "./engine.ts";
import { ThreadEngine } from "./thread-engine.ts";

/** Loads its model once: who asks again gets what the first call has begun. */
class EarlyEngine extends ThreadEngine {
  #model: Promise<LoadedModel> | undefined;

  override load(...parameters: Parameters<ThreadEngine["load"]>): Promise<LoadedModel> {
    this.#model ??= super.load(...parameters);
    return this.#model;
  }
}

export const earlyEngine = startsWithThread() ? new EarlyEngine(die) : undefined;
/** Still to be obeyed. */
export const earlyCommands: HostCommand[] = [];

export function hearEarly(message: unknown): void {
  const command = message as HostCommand;
  earlyCommands.push(command);
  if (command.type !== "load") return;
  const { file, session, beside } = command.spec;
  // What is wrong with the model is told to the host, which asks again.
  earlyEngine?.load(file, session, beside).catch(() => undefined);
}
