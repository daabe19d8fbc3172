/* The lines of a host's log that the supervisor keeps: those that matter, and of a flood only its beginning. */
import type { Clock, Millis } from "../src/platform/clock.ts";

export interface ToldLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
}

/** The supervisor has other things to hear. */
const mostPerSecond = 20;
const longestMessage = 500;
const levels: readonly string[] = ["info", "warn", "error"] satisfies readonly ToldLine["level"][];
/** Every line has these, and whoever reads it knows them. */
const known: readonly string[] = ["level", "time", "pid", "role", "model", "version", "msg"];

/** Gives a function that takes lines of JSON as the log writes them. */
export function lineTeller(
  clock: Pick<Clock, "now">,
  tell: (line: ToldLine) => void,
): (line: string) => void {
  let secondAt: Millis = Number.NEGATIVE_INFINITY;
  let told = 0;
  return (line) => {
    const now = clock.now();
    if (now - secondAt >= 1_000) {
      secondAt = now;
      told = 0;
    }
    told += 1;
    if (told > mostPerSecond) return;
    const parsed = parseLine(line);
    if (parsed !== undefined) tell(parsed);
  };
}

function parseLine(line: string): ToldLine | undefined {
  const fields = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const level = String(fields["level"]);
  if (!levels.includes(level)) return undefined;
  const others = Object.entries(fields).filter(([name]) => !known.includes(name));
  const words = others.map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const message = [String(fields["msg"] ?? ""), ...words].join(" ").slice(0, longestMessage);
  return { level: level as ToldLine["level"], message };
}
