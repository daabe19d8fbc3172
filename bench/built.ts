// The driver, the rivals and the hops run as plain JavaScript, as a user would run them: under tsx, single took up to 10 % more CPU a request.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot } from "./contestant.ts";

const buildLimitMs = 60_000;

export function buildDriverAndRivals(): void {
  const compiler = join(repositoryRoot, "node_modules", ".bin", "tsc");
  const project = join(repositoryRoot, "bench", "tsconfig.build.json");
  execFileSync(compiler, ["-p", project], { stdio: "inherit", timeout: buildLimitMs });
}

/** What is not to be measured under tsx, in this process. */
export function builtModule<Module>(path: string): Promise<Module> {
  return import(join(repositoryRoot, "dist", `${path}.js`));
}

/** Where `bench/<path>.ts` has been built to. */
export function builtEntry(path: string): string {
  return join(repositoryRoot, "dist", "bench", `${path}.js`);
}
