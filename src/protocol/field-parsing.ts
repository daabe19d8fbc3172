/* What every parser of messages between processes reads with: each gives a typed value or throws. */

export type Fields = Readonly<Record<string, unknown>>;

/** Thrown by these parsers and caught by `attempt`, so that they read straight. */
export class Unreadable extends Error {}

const maxTextLength = 4_096;
const maxItems = 5_000;

/** Undefined where the message cannot be read. */
export function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof Unreadable) return undefined;
    throw thrown;
  }
}

export function fieldsOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unreadable();
  return value as Fields;
}

export function list(value: unknown, most = maxItems): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new Unreadable();
  return value;
}

export function text(value: unknown, most = maxTextLength): string {
  if (typeof value !== "string" || value.length > most) throw new Unreadable();
  return value;
}

export function finite(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Unreadable();
  return value;
}

export function count(value: unknown): number {
  const number = finite(value);
  if (!Number.isInteger(number) || number < 0) throw new Unreadable();
  return number;
}

export function indexIn(items: readonly unknown[], value: unknown): number {
  const index = count(value);
  if (index >= items.length) throw new Unreadable();
  return index;
}

export function flag(value: unknown): boolean {
  if (typeof value !== "boolean") throw new Unreadable();
  return value;
}

export function oneOf<T extends string>(choices: readonly T[], value: unknown): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new Unreadable();
  return choice;
}

export function nullOr<T>(parse: (value: unknown) => T, value: unknown): T | null {
  return value === null ? null : parse(value);
}
