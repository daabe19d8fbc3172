#!/usr/bin/env node
/* The `troupe` command: it serves, or is a client of a server. Only the choice is made here. */
import { readProcessClient } from "../config/client-environment.ts";
import { serveWord } from "../config/process-settings.ts";

const words = process.argv.slice(2);
const [first = serveWord] = words;

// Each half is loaded only where it is meant: a client needs no supervisor, and a server no commands.
if (first === serveWord || first.startsWith("-")) {
  await import("../main.ts");
} else {
  const { openShell } = await import("./shell.ts");
  const { runProgram } = await import("./program.ts");
  process.exitCode = await runProgram(words, openShell(readProcessClient()));
  // A command that failed does not wait for what is still to be typed.
  process.stdin.destroy();
}
