/* Numbers as people read them. */

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytesText(bytes: number | null): string | null {
  if (bytes === null) return null;
  let [value, unit] = [bytes, 0];
  for (; value >= 1_024 && unit < byteUnits.length - 1; unit += 1) value /= 1_024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${byteUnits[unit]}`;
}

export function secondsText(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.floor(seconds / 3_600)} h`
    : `${Math.floor(seconds / 86_400)} d`;
}

/** Three digits that count. */
export function msText(ms: number): string {
  return `${Number(ms.toPrecision(3))} ms`;
}

export function tensorText({
  name,
  datatype,
  shape,
}: {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}): string {
  return `${name} ${datatype}[${shape.join(",")}]`;
}
