const shownFields = [
  "process",
  "model",
  "version",
  "code",
  "status",
  "error",
  "cause",
  "reason",
  "err",
  "url",
] as const;

/** A JSON log line as a person reads it: time, level, message, and the few fields that tell what it is about. */
export function prettyLine(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const time = String(entry["time"]).slice(11, 19);
  const level = String(entry["level"]).padEnd(5);
  const fields = shownFields.flatMap((name) => {
    const value = entry[name];
    return value === undefined || value === null ? [] : [`${name}=${show(value)}`];
  });
  return `${[time, level, String(entry["msg"]), ...fields].join(" ")}\n`;
}

function show(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value)
    return String(value.message);
  return typeof value === "string" ? value : JSON.stringify(value);
}
