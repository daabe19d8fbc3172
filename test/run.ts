/* Lists the tests itself, because Node 20's runner knows no globs, and fails where it finds none. */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";

const here = import.meta.dirname;
const filters = process.argv.slice(2);

const files = readdirSync(here, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts"))
  .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
  .map((name) => relative(process.cwd(), join(here, name)))
  .toSorted();

if (files.length === 0) {
  console.error(`no test files${filters.length === 0 ? "" : ` match ${filters.join(" ")}`}`);
  process.exit(1);
}

const flags = ["--import", "tsx", "--test", "--test-concurrency=2", "--test-timeout=240000"];
const runner = spawn(process.execPath, [...flags, ...files], { stdio: "inherit" });
runner.on("exit", (code) => process.exit(code ?? 1));
