/* What front doors ask on behalf of callers, and whose it is to answer. */
import type { EpochMillis } from "../src/platform/clock.ts";
import type { Question, Reply } from "../src/protocol/questions.ts";
import type { ProcessFigures } from "../src/protocol/views.ts";
import type { DoorSlot } from "./door-slot.ts";
import { answerLogs, type HostLogs } from "./host-logs.ts";
import type { HostSlot } from "./host-slot.ts";
import { answerLogLevel } from "./log-level.ts";
import type { Management } from "./management.ts";
import type { ModelRegistry } from "./model-registry.ts";
import type { Scrape } from "./scrape.ts";
import { answerStatistics } from "./statistics-answer.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
import { describeTree } from "./tree.ts";

export interface AnsweringParts extends Pick<SupervisorOptions, "log" | "doorSettings"> {
  readonly startedAt: EpochMillis;
  readonly draining: boolean;
  readonly readFigures: () => ProcessFigures;
  readonly scrape: Scrape;
  readonly hostLogs: HostLogs;
  readonly registry: ModelRegistry;
  readonly doors: readonly DoorSlot[];
  readonly members: readonly (DoorSlot | HostSlot)[];
  readonly management: Management;
}

export async function answerQuestion(
  door: DoorSlot,
  question: Question,
  parts: AnsweringParts,
): Promise<Reply> {
  switch (question.type) {
    case "tree":
      return { type: "body", body: treeText(parts) };
    case "metrics":
      return { type: "body", body: await parts.scrape.merged() };
    case "logs":
      return answerLogs(question, parts.hostLogs, parts.registry);
    case "statistics":
      return answerStatistics(question, parts.registry, parts.scrape);
    case "log-level":
      return answerLogLevel(question, parts, parts.members);
    default:
      return parts.management.answer(door, question);
  }
}

function treeText({
  doorSettings,
  startedAt,
  draining,
  readFigures,
  doors,
  registry,
}: AnsweringParts) {
  const { version } = doorSettings;
  const figures = readFigures();
  const { models } = registry;
  return JSON.stringify(describeTree({ version, startedAt, draining, figures, doors, models }));
}
