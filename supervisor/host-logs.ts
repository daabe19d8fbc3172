/* The last lines of each model's hosts: what they logged and printed, and what became of their processes. */
import { toFailure } from "../src/protocol/errors.ts";
import { noSuchModel } from "../src/protocol/model-refusals.ts";
import type { Question, Reply } from "../src/protocol/questions.ts";
import type { ModelRegistry } from "./model-registry.ts";

const keptLines = 200;

export type LineLevel = "info" | "warn" | "error";

export interface HostLine {
  /** ISO 8601. */
  readonly time: string;
  readonly level: LineLevel;
  readonly version: string;
  readonly pid: number | null;
  readonly message: string;
}

export class HostLogs {
  readonly #lines = new Map<string, HostLine[]>();

  note(model: string, line: HostLine): void {
    const known = this.#lines.get(model) ?? [];
    this.#lines.set(model, [...known, line].slice(-keptLines));
  }

  /** Oldest first. */
  of(model: string): readonly HostLine[] {
    return this.#lines.get(model) ?? [];
  }

  forget(model: string): void {
    this.#lines.delete(model);
  }
}

/** What `GET /get/getlogs` answers; forgets it first where that is asked. */
export function answerLogs(
  { model, clear }: Extract<Question, { type: "logs" }>,
  logs: HostLogs,
  registry: Pick<ModelRegistry, "get">,
): Reply {
  if (registry.get(model) === undefined) {
    return { type: "failed", failure: toFailure(noSuchModel(model)) };
  }
  if (clear) logs.forget(model);
  return { type: "body", body: JSON.stringify({ id: model, logs: logs.of(model) }) };
}
