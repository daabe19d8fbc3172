import type { Command } from "./command.ts";
import { completionOf } from "./completion.ts";
import { doctorCommand } from "./doctor.ts";
import { loadCommand, unloadCommand } from "./load.ts";
import { logsCommand } from "./logs.ts";
import { modelsCommand } from "./models.ts";
import { predictCommand } from "./predict.ts";
import { statusCommand } from "./status.ts";
import { streamCommand } from "./stream.ts";
import { uploadCommand } from "./upload.ts";

/** All but `serve`, in the order of the help. */
export const commands: readonly Command[] = [
  statusCommand,
  modelsCommand,
  uploadCommand,
  loadCommand,
  unloadCommand,
  predictCommand,
  streamCommand,
  logsCommand,
  doctorCommand,
  completionOf(() => commands),
];
