import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { createLog, type LogOptions } from "../../src/platform/log.ts";

const folder = mkdtempSync(join(tmpdir(), "log-test-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;

/** What stands in the file when the log has been flushed. */
function written(options: Partial<LogOptions>, write: (log: ReturnType<typeof createLog>) => void) {
  files += 1;
  const file = join(folder, `${files}.log`);
  const fd = openSync(file, "a");
  const log = createLog({ level: "info", pretty: false, fd, base: {}, ...options });
  write(log);
  log.flush();
  const text = readFileSync(file, "utf8");
  closeSync(fd);
  return text;
}

function entries(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("createLog", () => {
  it("writes one JSON line for each message, with time, level, pid and the base", () => {
    const text = written({ base: { role: "host", version: 1 } }, (log) => {
      log.info({ model: "iris" }, "one");
      log.error("two");
    });
    const [one, two] = entries(text).map(({ time, ...entry }) => {
      assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      return entry;
    });
    const base = { pid: process.pid, role: "host", version: 1 };
    assert.deepEqual(one, { level: "info", ...base, model: "iris", msg: "one" });
    assert.deepEqual(two, { level: "error", ...base, msg: "two" });
  });

  it("writes nothing below its level", () =>
    assert.equal(
      written({ level: "warn" }, (log) => log.info("quiet")),
      "",
    ));

  it("keeps a line whole whatever its text", () => {
    const text = written({}, (log) => log.info({ line: 'a\n"b"\u2028' }, "x\ny"));
    assert.deepEqual(
      entries(text).map(({ line, msg }) => ({ line, msg })),
      [{ line: 'a\n"b"\u2028', msg: "x\ny" }],
    );
  });

  it("writes an error with its message", () => {
    const [entry] = entries(written({}, (log) => log.error({ err: new Error("no") }, "failed")));
    const error = entry?.["err"] as Error | undefined;
    assert.equal(error?.message, "no");
  });

  it("writes lines for a person where it is told to", () => {
    const text = written({ pretty: true }, (log) => log.info({ model: "iris" }, "hello"));
    assert.match(text, /^\d\d:\d\d:\d\d info {2}hello model=iris\n$/);
  });
});
