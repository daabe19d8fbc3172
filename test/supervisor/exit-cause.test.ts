import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ChildExit, type ExitVerdict, judgeExit } from "../../supervisor/exit-cause.ts";

function exit(fields: Partial<ChildExit>): ChildExit {
  return { code: null, signal: null, killed: null, memoryKill: false, ...fields };
}

function verdict(cause: string, blame: ExitVerdict["blame"]): ExitVerdict {
  return { cause, blame };
}

describe("judgeExit", () => {
  const rows: readonly (readonly [string, Partial<ChildExit>, ExitVerdict])[] = [
    ["SIGSEGV", { signal: "SIGSEGV" }, verdict("SIGSEGV", "model")],
    ["SIGABRT", { signal: "SIGABRT" }, verdict("SIGABRT", "model")],
    ["SIGBUS", { signal: "SIGBUS" }, verdict("SIGBUS", "model")],
    ["SIGILL", { signal: "SIGILL" }, verdict("SIGILL", "model")],
    ["SIGFPE", { signal: "SIGFPE" }, verdict("SIGFPE", "model")],
    ["SIGTRAP", { signal: "SIGTRAP" }, verdict("SIGTRAP", "model")],
    ["a kill from outside", { signal: "SIGKILL" }, verdict("SIGKILL", "outside")],
    ["SIGTERM", { signal: "SIGTERM" }, verdict("SIGTERM", "outside")],
    ["a memory kill", { signal: "SIGKILL", memoryKill: true }, verdict("memory", "memory")],
    [
      "a fault while the kernel killed another",
      { signal: "SIGSEGV", memoryKill: true },
      verdict("SIGSEGV", "model"),
    ],
    ["an exit of its own accord", { code: 0 }, verdict("exit-0", "outside")],
    ["an exit with an error", { code: 1 }, verdict("exit-1", "model")],
    ["a fork that failed", {}, verdict("spawn", "outside")],
    ["a hang", { signal: "SIGKILL", killed: "hang" }, verdict("hang", "outside")],
    ["a run too long", { signal: "SIGKILL", killed: "overrun" }, verdict("overrun", "model")],
    [
      "a start too long",
      { signal: "SIGKILL", killed: "load-timeout" },
      verdict("load-timeout", "outside"),
    ],
    [
      "a kill of ours for its memory",
      { signal: "SIGKILL", killed: "memory-limit" },
      verdict("memory-limit", "memory"),
    ],
    ["a lie", { signal: "SIGKILL", killed: "protocol" }, verdict("protocol", "model")],
    ["our own stop", { signal: "SIGKILL", killed: "stop" }, verdict("stop", "outside")],
    [
      "a kill of ours that the kernel's came before",
      { signal: "SIGKILL", killed: "hang", memoryKill: true },
      verdict("hang", "outside"),
    ],
  ];
  for (const [name, fields, expected] of rows) {
    it(`calls ${name} ${expected.cause}, and blames ${expected.blame}`, () =>
      assert.deepEqual(judgeExit(exit(fields)), expected));
  }
});
