/** What the names of models and of their versions may be: they stand in routes, metrics and file names. */
const namePattern = /^(?!\.)[A-Za-z0-9._-]{1,64}$/;

export const nameRule = "1 to 64 letters, digits, dots, dashes or underscores, no dot first";

export function isName(text: string): boolean {
  return namePattern.test(text);
}
