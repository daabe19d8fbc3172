/* How a bench begins and ends, whatever it measures. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Says what went wrong, if anything did, and ends with 1 then. */
export async function runBench(bench: () => Promise<void>): Promise<void> {
  // Contestants are in process groups of their own: they end with this process only if it ends by `exit`.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(130));
  }
  try {
    await bench();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/** With a models folder of that name that is gone in the end. */
export function runBenchIn(name: string, bench: (models: string) => Promise<void>): Promise<void> {
  const models = mkdtempSync(join(tmpdir(), name));
  return runBench(() => bench(models)).finally(() => {
    rmSync(models, { recursive: true, force: true });
  });
}
