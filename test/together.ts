/*
 * Runs the test files of a folder in one process, each as a suite of its name: its hooks are its own, and where it
 * cannot be loaded, only it fails. A folder says that its files bear this by a `together.ts` that calls it.
 * Where a file ends the process, all that had not ended are named, and the run fails, whatever the code was.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";

export function runTogether(folder: string): void {
  const loads: Promise<unknown>[] = [];
  // Comes first, as loading files would hold up tests that wait for something.
  it("loads its files", async () => {
    await Promise.allSettled(loads);
  });
  const files = testFiles(folder);
  const unfinished = new Set(files);
  process.once("exit", () => {
    if (unfinished.size === 0) return;
    console.error(`The process ended before ${[...unfinished].join(", ")}`);
    process.exitCode = 1;
  });
  for (const file of files) {
    describe(file, () => {
      after(() => void unfinished.delete(file));
      const load = import(pathToFileURL(join(folder, file)).href);
      loads.push(load);
      return load;
    });
  }
}

/** In all folders below, too. */
export function testFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .toSorted();
}
