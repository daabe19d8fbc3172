/** Longer words are compared by their beginning, so that a hostile key costs no time. */
const comparedLength = 64;

/** Edits (insert, delete, replace one character) that turn one word into the other: Levenshtein's distance. */
export function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...from].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (above[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    above = current;
  }
  return above.at(-1) ?? 0;
}

/** The known word with the fewest edits, whatever their number; the earlier one wins a tie. */
export function nearest(word: string, known: readonly string[]): string {
  const wanted = word.slice(0, comparedLength).toLowerCase();
  const distances = known.map((name) => editDistance(wanted, name.toLowerCase()));
  return known[distances.indexOf(Math.min(...distances))] ?? "";
}
