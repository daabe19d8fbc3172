// Puts the results of a run into README.md, between the two marks that stand there.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./contestant.ts";
import { method, type Report, targetTable } from "./report.ts";

const opening = "<!-- bench -->";
const closing = "<!-- /bench -->";

/** `results` is the path of the run's files, without their endings. */
function readmeSection(report: Report, results: string): string {
  return [
    `![Troupe against its targets: one bar each, measured on ${report.date}](${results}.svg)`,
    `Measured on ${report.date}. ${method(report)} The whole record is [${results}.md](${results}.md).`,
    targetTable(report.findings),
  ].join("\n\n");
}

/** Throws where the marks are not there. */
export function replaceSection(readme: string, section: string): string {
  const [start, end] = [readme.indexOf(opening), readme.indexOf(closing)];
  if (start === -1 || end < start) throw new Error("Cannot write README.md: it has no marks");
  return `${readme.slice(0, start)}${opening}\n\n${section}\n\n${readme.slice(end)}`;
}

export function putIntoReadme(report: Report, results: string): void {
  const path = join(repositoryRoot, "README.md");
  const section = readmeSection(report, results);
  writeFileSync(path, replaceSection(readFileSync(path, "utf8"), section));
  // Tables stand there in columns.
  const formatter = join(repositoryRoot, "node_modules", ".bin", "biome");
  execFileSync(formatter, ["format", "--write", path], { stdio: "ignore" });
}
