/* The one child of the command line: a process in which ONNX Runtime may do to a file what it likes. */
import { fork } from "node:child_process";
import { tmpdir } from "node:os";
import type { Examine, Finding } from "../protocol/examination.ts";

export interface Examination {
  readonly findings: readonly Finding[];
  /** Why the process ended before it was done; undefined where it was. */
  readonly crash: string | undefined;
}

export interface ExaminationOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  onFinding(finding: Finding): void;
}

/** It gets nothing of our environment: neither keys nor settings are the model's business. */
export function examine(
  order: Examine,
  { timeoutMs, signal, onFinding }: ExaminationOptions,
): Promise<Examination> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const entry = new URL(`../../model-host/doctor.${extension}`, import.meta.url);
  const child = fork(entry, [], {
    cwd: tmpdir(),
    env: { ORT_DISABLE_TELEMETRY: "1" },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const findings: Finding[] = [];
  let isLate = false;
  const end = () => void child.kill("SIGKILL");
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, timeoutMs);
  signal.addEventListener("abort", end);
  child.on("message", (message) => {
    const finding = message as Finding;
    findings.push(finding);
    onFinding(finding);
  });
  child.send(order, () => undefined);
  return new Promise((resolve) => {
    // Comes when the channel is read to its end, too, which `exit` does not wait for.
    child.once("close", (code, killer) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      const isDone = findings.some(({ type }) => type === "done" || type === "refused");
      const how = isLate ? `it was ended after ${timeoutMs} ms` : (killer ?? `exit code ${code}`);
      resolve({ findings, crash: isDone ? undefined : how });
    });
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve({ findings, crash: error.message });
    });
  });
}
