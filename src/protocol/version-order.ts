const allDigits = /^\d+$/;

/** Numbers of any length: the longer one is larger once leading zeros are gone. */
function compareNumbers(left: string, right: string): number {
  const a = left.replace(/^0+/, "");
  const b = right.replace(/^0+/, "");
  return a.length - b.length || compareText(a, b);
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function compareParts(left: string, right: string): number {
  return allDigits.test(left) && allDigits.test(right)
    ? compareNumbers(left, right)
    : compareText(left, right);
}

/**
 * Oldest first, in natural order: runs of digits compare as numbers, the rest by code unit, so that 2 < 10 and
 * v1.9 < v1.10. A name that begins another comes before it (1.0 < 1.0-rc1: this is no semantic versioning).
 * Names that differ only in leading zeros keep a fixed order by their text.
 */
export function compareVersions(left: string, right: string): number {
  const a = left.match(/\d+|\D+/g) ?? [];
  const b = right.match(/\d+|\D+/g) ?? [];
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compareParts(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length || compareText(left, right);
}
