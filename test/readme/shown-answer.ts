import assert from "node:assert/strict";

/** What is another each time: only its type is compared. */
const volatileFields: ReadonlySet<string> = new Set([
  "request_id",
  "pid",
  "since",
  "timestamp",
  "latency_ms",
  "created_at",
  "uptime_seconds",
  "rss_bytes",
  "cpu_seconds",
  "event_loop_delay_ms",
  // A trial on a busy machine ends otherwise.
  "engine",
  "ns",
  "last_inference",
  "byte_size",
]);

/** The last digits of a prediction depend on the processor. */
const tolerance = { absolute: 1e-6, relative: 1e-3 };

/** Fails where an answer is not what the README shows, but for what differs from run to run. */
export function assertShown(got: unknown, shown: unknown): void {
  assert.deepEqual(settle(got, shown), shown);
}

/** `got`, with the shown value in place of each that may differ from it. */
function settle(got: unknown, shown: unknown): unknown {
  if (Array.isArray(got) && Array.isArray(shown))
    return got.map((one, at) => settle(one, shown[at]));
  if (isObject(got) && isObject(shown)) {
    const settled = Object.entries(got).map(([key, value]) => [
      key,
      volatileFields.has(key) && typeof value === typeof shown[key]
        ? shown[key]
        : settle(value, shown[key]),
    ]);
    return Object.fromEntries(settled);
  }
  if (typeof got === "number" && typeof shown === "number" && isClose(got, shown)) return shown;
  return got;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= tolerance.absolute + tolerance.relative * Math.abs(b);
}
