/* The `troupe` command as a shell runs it. */
import { spawn } from "node:child_process";
import { resolve } from "node:path";

export const troupeEntry = resolve(import.meta.dirname, "../../dist/src/cli/main.js");

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly url?: string;
  readonly input?: string;
  readonly cwd?: string;
  /** Ends it as Ctrl-C does, when it has printed this. */
  readonly interruptAt?: string;
}

export function troupe(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { url, input = "", cwd, interruptAt } = options;
  const env = { PATH: process.env["PATH"], ...(url === undefined ? {} : { TROUPE_URL: url }) };
  const child = spawn(process.execPath, [troupeEntry, ...argv], { env, cwd, timeout: 60_000 });
  const said = { out: "", err: "" };
  let isInterrupted = false;
  child.stdout.on("data", (chunk) => {
    said.out += chunk;
    // Once only: the second one would end it at once.
    if (isInterrupted || interruptAt === undefined || !said.out.includes(interruptAt)) return;
    isInterrupted = true;
    child.kill("SIGINT");
  });
  child.stderr.on("data", (chunk) => {
    said.err += chunk;
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return new Promise((ended, failed) => {
    child.once("error", failed);
    child.once("close", (code) => ended({ code, ...said }));
  });
}
