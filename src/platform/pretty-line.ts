/** What a line is about, in this order; all other fields come behind these and before why. */
const firstFields = ["process", "model", "version", "method", "path", "route", "code", "status"];
const lastFields = ["error", "cause", "reason", "err", "next", "url"];

/** Shown before the fields, the same in every line of a process, or for programs that put lines together. */
const hiddenFields = new Set([
  ...["time", "level", "msg", "pid", "role", "request_id"],
  ...["admission_ms", "decode_ms", "queue_ms", "run_ms", "encode_ms"],
]);
const placedFields = new Set([...firstFields, ...lastFields]);

const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const everyUnprintable = new RegExp(unprintable, "gu");

/** A JSON log line as a person reads it: time, level, message, and what tells it from other lines. */
export function prettyLine(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const time = String(entry["time"]).slice(11, 19);
  const level = String(entry["level"]).padEnd(5);
  const fields = [...firstFields, ...otherFields(entry), ...lastFields].flatMap((name) => {
    const value = entry[name];
    return value === undefined || value === null ? [] : [`${plain(name)}=${show(value)}`];
  });
  return `${[time, level, show(entry["msg"]), ...fields].join(" ")}\n`;
}

function otherFields(entry: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(entry).filter((name) => !placedFields.has(name) && !hiddenFields.has(name));
}

function show(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value)
    return plain(String(value.message));
  return typeof value === "string" ? plain(value) : escaped(JSON.stringify(value));
}

/** Names and addresses come from clients: none of them may move the cursor, or look like a line of ours. */
export function plain(text: string): string {
  return unprintable.test(text) ? escaped(JSON.stringify(text)) : text;
}

/** JSON leaves some characters as they are that a terminal obeys. */
function escaped(json: string): string {
  return json.replace(everyUnprintable, (character) =>
    character.replace(
      /[\s\S]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  );
}
