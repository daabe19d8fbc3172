/*
 * Lists the tests itself, because Node 20's runner knows no globs, and fails where it finds none. A whole folder that
 * has a `together.ts` is one process, as starting one for each file takes longer than most tests.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { testFiles } from "./together.ts";

const here = import.meta.dirname;
const filters = process.argv.slice(2);

const all = testFiles(here);
const chosen = all.filter(
  (name) => filters.length === 0 || filters.some((filter) => name.includes(filter)),
);

if (chosen.length === 0) {
  console.error(`no test files${filters.length === 0 ? "" : ` match ${filters.join(" ")}`}`);
  process.exit(1);
}

function folderOf(name: string): string {
  return name.split(sep)[0] ?? "";
}

/** The folder's one process where all of it is asked for. */
function entryOf(name: string): string {
  const folder = folderOf(name);
  const isWhole = all.every((other) => folderOf(other) !== folder || chosen.includes(other));
  const together = join(folder, "together.ts");
  return isWhole && existsSync(join(here, together)) ? together : name;
}

const entries = [...new Set(chosen.map(entryOf))];
const files = entries.map((name) => relative(process.cwd(), join(here, name)));
const flags = ["--import", "tsx", "--test", "--test-concurrency=2", "--test-timeout=240000"];
const runner = spawn(process.execPath, [...flags, ...files], { stdio: "inherit" });
runner.on("exit", (code) => process.exit(code ?? 1));
