import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { prettyLine } from "../../src/platform/pretty-line.ts";

function line(fields: Readonly<Record<string, unknown>>): string {
  const time = "2024-01-02T03:04:05.678Z";
  return JSON.stringify({ level: "info", time, pid: 1, msg: "hello", ...fields });
}

describe("prettyLine", () => {
  const rows: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ["time, level and message", {}, "03:04:05 info  hello\n"],
    ["a longer level", { level: "error" }, "03:04:05 error hello\n"],
    ["the model", { model: "iris", version: "1" }, "03:04:05 info  hello model=iris version=1\n"],
    [
      "its fields in one order",
      { url: "http://x", process: "host", status: 500, code: "internal" },
      "03:04:05 info  hello process=host code=internal status=500 url=http://x\n",
    ],
    [
      "why a request failed",
      { status: 400, error: "no" },
      "03:04:05 info  hello status=400 error=no\n",
    ],
    ["why a process ended", { cause: "SIGSEGV" }, "03:04:05 info  hello cause=SIGSEGV\n"],
    [
      "an error by its message",
      { err: { type: "E", message: "no" } },
      "03:04:05 info  hello err=no\n",
    ],
    ["an object as JSON", { reason: { a: 1 } }, '03:04:05 info  hello reason={"a":1}\n'],
    [
      "whatever else tells it from others, and why last",
      {
        reason: "no",
        took_ms: 7,
        exited_pid: 9,
        model: "iris",
        change: "patch",
        signal: "SIGKILL",
      },
      "03:04:05 info  hello model=iris took_ms=7 exited_pid=9 change=patch signal=SIGKILL reason=no\n",
    ],
    [
      "what was asked for",
      { total_ms: 1.5, status: 200, path: "/models", method: "GET" },
      "03:04:05 info  hello method=GET path=/models status=200 total_ms=1.5\n",
    ],
    [
      "a name that forges a line as the one it is",
      { "a\nb": 1 },
      '03:04:05 info  hello "a\\nb"=1\n',
    ],
    [
      "no process of its own, and nothing for programs",
      { pid: 7, role: "host", request_id: "r", decode_ms: 1, run_ms: 2 },
      "03:04:05 info  hello\n",
    ],
    [
      "a forged line as the one it is",
      { model: "a\n03:04:05 error b", url: "/\u001b[2J\u009b\u202e" },
      '03:04:05 info  hello model="a\\n03:04:05 error b" url="/\\u001b[2J\\u009b\\u202e"\n',
    ],
    [
      "an error that forges a line as the one it is",
      { err: { message: "no\r\u007f" } },
      '03:04:05 info  hello err="no\\r\\u007f"\n',
    ],
    [
      "any language as it is",
      { model: "größe 模型 👍" },
      "03:04:05 info  hello model=größe 模型 👍\n",
    ],
    ["no empty fields", { model: null, reason: null }, "03:04:05 info  hello\n"],
  ];
  for (const [name, fields, shown] of rows) {
    it(`shows ${name}`, () => assert.equal(prettyLine(line(fields)), shown));
  }
});
