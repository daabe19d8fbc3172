import { plain } from "../platform/pretty-line.ts";
import { type Paint, paintState } from "./paint.ts";

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string | number | null | undefined;
  readonly align?: "left" | "right";
  /** Its words are states, each with its colour. */
  readonly isState?: boolean;
}

/** Lines under their titles; what is not there is a dash, and a column in which nothing is there is left out. */
export function tableText<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paint: Paint,
): string {
  const filled = columns
    .map((column) => ({ column, cells: rows.map((row) => cellOf(column.of(row))) }))
    .filter(({ cells }) => cells.some((cell) => cell !== absent));
  const blocks = filled.map(({ column, cells }) => {
    const width = cells.reduce((most, { length }) => Math.max(most, length), column.title.length);
    const pad = (text: string) =>
      column.align === "right" ? text.padStart(width) : text.padEnd(width);
    const shown = cells.map((cell) => {
      const padded = pad(cell);
      return column.isState === true ? padded.replace(cell, paintState(paint, cell)) : padded;
    });
    return [paint("dim", pad(column.title)), ...shown];
  });
  const lines = ["", ...rows].map((_, at) => blocks.map((block) => block[at] ?? "").join("  "));
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

const absent = "-";

/** Names come from elsewhere: none of them may move the cursor. */
function cellOf(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === "" ? absent : plain(String(value));
}
