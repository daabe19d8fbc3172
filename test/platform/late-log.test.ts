import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { LateLog } from "../../src/platform/late-log.ts";
import { createLog } from "../../src/platform/log.ts";
import type { LogLevel } from "../../src/protocol/control.ts";

const folder = mkdtempSync(join(tmpdir(), "late-log-"));
const fd = openSync(join(folder, "log"), "a");
after(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

const { cache, resolve } = createRequire(import.meta.url);
const isPinoLoaded = () => cache[resolve("pino")] !== undefined;

function logAt(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const onLine = (line: string) => lines.push(JSON.parse(line));
  return { lines, log: new LateLog({ level, pretty: false, fd, base: { role: "host" }, onLine }) };
}

describe("LateLog", () => {
  it("loads pino with the first line that is written, and not before", () => {
    const { log, lines } = logAt("warn");
    log.info("quiet");
    const before = isPinoLoaded();
    log.warn("loud");
    assert.deepEqual([before, isPinoLoaded(), lines.length], [false, true, 1]);
  });

  it("writes what is given to it", () => {
    const { log, lines } = logAt("info");
    log.info({ model: "iris" }, "one");
    log.warn("two");
    log.error({ err: new Error("no") }, "three");
    const told = lines.map(({ level, role, msg }) => [level, role, msg]);
    assert.deepEqual(told, [
      ["info", "host", "one"],
      ["warn", "host", "two"],
      ["error", "host", "three"],
    ]);
    assert.equal(lines[0]?.["model"], "iris");
    assert.match(JSON.stringify(lines[2]?.["err"]), /"message":"no"/);
  });

  it("keeps to a level that is changed before or after its first line", () => {
    const { log, lines } = logAt("silent");
    log.error("not yet");
    log.level = "info";
    log.info("now");
    log.level = "error";
    log.warn("no more");
    log.error("still");
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ["now", "still"],
    );
  });

  it("says its lines on stderr while pino cannot be loaded, and breaks nothing", (t) => {
    const options = { level: "info", pretty: false, fd, base: { role: "host" } } as const;
    let isThere = false;
    const heard: string[] = [];
    const log = new LateLog(options, (given) => {
      if (!isThere) throw new Error("Cannot find module 'pino'");
      return createLog({ ...given, onLine: (line) => heard.push(JSON.parse(line).msg) });
    });
    const write = t.mock.method(process.stderr, "write", () => true);
    log.warn({ model: "iris" }, "no pino");
    write.mock.restore();
    assert.deepEqual(
      write.mock.calls.map((call) => call.arguments[0]),
      ["warn: [ { model: 'iris' }, 'no pino' ]\n"],
    );
    isThere = true;
    log.warn("it is back");
    assert.deepEqual(heard, ["it is back"]);
  });
});
