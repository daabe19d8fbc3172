/* What JSON.parse does not tell: of a key that stands twice in an object it takes the last value without a word. */

/** A string, and the colon behind it where it is a key; or a bracket. Nothing else matters in a text that is valid. */
const token = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g;

/** The first key that one object has twice. `text` is valid JSON. */
export function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [found, string, colon] of text.matchAll(token)) {
    if (string === undefined) openOrClose(open, found);
    if (string === undefined || colon === undefined) continue;
    const key: string = JSON.parse(string);
    const keys = open.at(-1);
    if (keys?.has(key)) return key;
    keys?.add(key);
  }
  return undefined;
}

function openOrClose(open: Set<string>[], bracket: string): void {
  if (bracket === "{" || bracket === "[") open.push(new Set());
  else open.pop();
}
