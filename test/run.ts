/*
 * Runs the tests itself, as Node 20's runner knows no globs and has an order of its own, and fails where it finds none.
 * A whole folder that has a `together.ts` is one process, as starting one for each file takes longer than most tests.
 */
import { existsSync } from "node:fs";
import { join, sep } from "node:path";
import { run } from "node:test";
import { spec, tap } from "node:test/reporters";
import { testFiles } from "./together.ts";

const here = import.meta.dirname;
const filters = process.argv.slice(2);
/** More crowd each other out. */
const atOnce = 2;
const patienceMs = 240_000;
/** They begin first, longest first, so that nothing is left at the end that the others wait for. */
const longest = [
  "cluster/uploads",
  "model-host/together",
  "front-door/together",
  "cluster/sequences",
  "cluster/package",
  "cluster/drain",
  "cluster/rollouts",
  "cluster/front-door",
  "cluster/start-up",
  "cluster/grpc",
  "supervisor/together",
  "cluster/rollback",
  "cluster/openapi",
  "cluster/replicas",
  "cluster/take-back",
  "cluster/speech",
  "cluster/web-socket",
  "cluster/overload",
  "models/together",
  "tensors/together",
];

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

function rankOf(entry: string): number {
  const rank = longest.indexOf(entry.replace(/(\.test)?\.ts$/, "").replaceAll(sep, "/"));
  return rank < 0 ? longest.length : rank;
}

const entries = [...new Set(chosen.map(entryOf))].toSorted((a, b) => rankOf(a) - rankOf(b));
const files = entries.map((name) => join(here, name));
const running = run({ files, concurrency: atOnce, timeout: patienceMs });
running.on("test:fail", () => {
  process.exitCode = 1;
});
const report = process.stdout.isTTY ? running.compose(new spec()) : running.compose(tap);
report.pipe(process.stdout);
