/* The README as the tests read it: its fenced blocks, its tables and its links. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";

export const repository = resolve(import.meta.dirname, "../..");

export const readme = readFileSync(resolve(repository, "README.md"), "utf8");

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Where it begins, for messages. */
  readonly line: number;
  /** Nothing but empty lines stands between it and the block before. */
  readonly isAnswer: boolean;
}

export function blocksOf(page: string): readonly Block[] {
  let end = 0;
  return [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((match): Block => {
    const [whole, language = "", text = ""] = match;
    const between = page.slice(end, match.index);
    const line = page.slice(0, match.index).split("\n").length;
    const isAnswer = end > 0 && between.trim() === "";
    end = match.index + whole.length;
    return { language, text, line, isAnswer };
  });
}

/** From below its heading to the next one. */
export function sectionOf(page: string, title: string): string {
  const [, text] = page.split(`\n### ${title}\n`);
  if (text === undefined) throw new Error(`the README has no section ${title}`);
  return text.split(/^#+ /m)[0] ?? "";
}

export interface Example {
  readonly call: Block;
  readonly answer: Block;
}

/** Blocks of a language with the answers that are shown behind them. */
export function examplesIn(page: string, language: string): readonly Example[] {
  const blocks = blocksOf(page);
  return blocks.flatMap((call, at): Example[] => {
    const answer = blocks[at + 1];
    return call.language === language && answer?.isAnswer ? [{ call, answer }] : [];
  });
}

/** The cells of the table with this head, row by row, without the marks of code. */
export function tableOf(page: string, head: readonly string[]): readonly (readonly string[])[] {
  const lines = page.split("\n");
  const start = lines.findIndex((line) => isDeepStrictEqual(cellsOf(line), head));
  if (start < 0) throw new Error(`the README has no table with the head ${head.join(", ")}`);
  const end = lines.findIndex((line, at) => at > start && !line.startsWith("|"));
  return lines.slice(start + 2, end).map(cellsOf);
}

function cellsOf(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim().replaceAll("`", ""));
}

/** Where its links lead. */
export function linksIn(page: string): readonly string[] {
  return [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
}

/** The anchors of its headings. */
export function anchorsIn(page: string): ReadonlySet<string> {
  const titles = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title);
  return new Set(
    titles.map((title) => `#${title.toLowerCase().replaceAll("'", "").replaceAll(" ", "-")}`),
  );
}

/** Without the padding that the formatter gives to the cells of tables. */
export function unpadded(table: string): string {
  return table.replace(/ +/g, " ").replace(/-{3,}/g, "---");
}
