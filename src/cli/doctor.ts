import { readdir, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { defaultModelConfig } from "../config/model-config.ts";
import { besideOf } from "../config/model-layout.ts";
import type { NamedFile } from "../protocol/control.ts";
import type { Finding } from "../protocol/examination.ts";
import type { Command } from "./command.ts";
import { diagnose } from "./diagnosis.ts";
import { diagnosisText } from "./diagnosis-text.ts";
import { examine } from "./doctor-process.ts";
import { exitCode, UsageError } from "./exit-codes.ts";
import { type Progress, withProgress } from "./progress.ts";
import { numberOf, sayJson } from "./shell.ts";

const usualTimeoutMs = 120_000;
const measuredRows = [1, 8, 32];

export const doctorCommand: Command = {
  name: "doctor",
  help: "explain a model's file: what it takes, whether it batches, what it costs; needs no server",
  words: [{ name: "<file>", help: "a model in ONNX", completes: "files" }],
  options: [
    { flags: "--json", help: "print JSON, for programs" },
    {
      flags: "--timeout-ms <ms>",
      help: `how long it may take, instead of ${usualTimeoutMs}`,
    },
  ],
  asksServer: false,
  run: async (shell, { words: [name = ""], options }) => {
    const file = resolve(name);
    await checkFile(file, name);
    const order = {
      file,
      beside: await weightsBeside(file),
      settings: defaultModelConfig.session,
      maxBatchSize: defaultModelConfig.batching.maxBatchSize,
      rows: measuredRows,
    };
    const timeoutMs = numberOf("--timeout-ms", options.timeoutMs) ?? usualTimeoutMs;
    const { signal } = shell;
    const examination = await withProgress(shell.err, "loading", (progress) => {
      const onFinding = (finding: Finding) => showStep(progress, finding);
      return examine(order, { timeoutMs, signal, onFinding });
    });
    if (signal.aborted) return exitCode.interrupted;
    const diagnosis = diagnose(basename(file), examination);
    if (options.json === true) sayJson(shell, diagnosis);
    else shell.out.write(diagnosisText(diagnosis, shell.paint));
    return diagnosis.problem === null ? exitCode.done : exitCode.failed;
  },
};

/** Throws UsageError. */
async function checkFile(file: string, name: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw new UsageError(`cannot read ${name}: there is no such file`);
  if (!found.isFile()) throw new UsageError(`cannot read ${name}: it is no file`);
}

/** As in a folder of models. */
async function weightsBeside(file: string): Promise<readonly NamedFile[]> {
  const folder = dirname(file);
  const entries = (await readdir(folder, { withFileTypes: true })).map((entry) => ({
    name: entry.name,
    kind: entry.isFile() ? ("file" as const) : ("other" as const),
  }));
  const listing = { entries, folders: new Map() };
  return besideOf(listing, [basename(file)]).map((name) => ({ name, file: resolve(folder, name) }));
}

function showStep(progress: Progress, finding: Finding): void {
  if (finding.type === "loaded") progress.show("trying batches");
  if (finding.type === "described") progress.show("measuring");
}
