const longestQuote = 60;

/** What somebody else has written, as it may stand in a message. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

export function shorten(text: string, longest = longestQuote): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
