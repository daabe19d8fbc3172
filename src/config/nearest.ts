/** Longer words are compared by their beginning, so that a hostile key costs no time. */
const comparedLength = 64;
/** Of words that are farther apart nobody has meant the one by the other. */
const mostEdits = 2;
const leastBeginning = 4;
/** More of them are no help in one line. */
const mostListed = 24;

/**
 * Edits (insert, delete, replace one character, swap two neighbours) that turn one word into the other: Damerau's
 * distance, where no part is edited twice.
 */
export function editDistance(from: string, to: string): number {
  let before: readonly number[] = [];
  let above: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 0; row < from.length; row += 1) {
    const current = [row + 1];
    const letters = from.slice(Math.max(row - 1, 0), row + 1);
    for (let column = 0; column < to.length; column += 1) {
      const pair = to.slice(Math.max(column - 1, 0), column + 1);
      const replaced = at(above, column) + (letters.at(-1) === pair.at(-1) ? 0 : 1);
      const shifted = Math.min(at(above, column + 1), at(current, column)) + 1;
      const swapped = isSwap(letters, pair) ? at(before, column - 1) + 1 : replaced;
      current.push(Math.min(replaced, shifted, swapped));
    }
    before = above;
    above = current;
  }
  return at(above, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0;
}

function isSwap(left: string, right: string): boolean {
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
}

/** The known word that may have been meant; the earlier one wins a tie. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = word.slice(0, comparedLength).toLowerCase();
  const distances = known.map((name) => editDistance(wanted, name.toLowerCase()));
  const least = Math.min(...distances);
  const found = known[distances.indexOf(least)];
  if (found === undefined) return undefined;
  const isNear = least <= mostEdits && least * 3 <= Math.max(wanted.length, found.length);
  return isNear ? found : known.find((name) => isBeginning(wanted, name.toLowerCase()));
}

/** As where somebody has left out the unit. */
function isBeginning(word: string, name: string): boolean {
  return word.length >= leastBeginning && name.startsWith(word);
}

/** What is said behind a word that is not known. */
export function suggest(word: string, known: readonly string[]): string {
  const found = nearest(word, known);
  if (found !== undefined) return `, the nearest known one is ${found}`;
  if (known.length > mostListed) return "";
  return `; known ${known.length === 1 ? "is" : "are"} ${known.join(", ")}`;
}
