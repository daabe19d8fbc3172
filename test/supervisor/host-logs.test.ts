import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerLogs, type HostLine, HostLogs } from "../../supervisor/host-logs.ts";
import type { ModelRegistry } from "../../supervisor/model-registry.ts";

function line(message: string): HostLine {
  return { time: "t", level: "info", version: "1", pid: 1, message };
}

const registry = { get: (name: string) => (name === "m" ? {} : undefined) } as ModelRegistry;

function ask(logs: HostLogs, model: string, clear = false) {
  const reply = answerLogs({ type: "logs", model, clear }, logs, registry);
  return reply.type === "body" ? JSON.parse(reply.body) : reply.failure.code;
}

describe("HostLogs", () => {
  it("keeps the last two hundred lines of a model", () => {
    const logs = new HostLogs();
    for (let at = 0; at < 250; at += 1) logs.note("m", line(String(at)));
    const kept = logs.of("m").map(({ message }) => message);
    assert.deepEqual([kept.length, kept[0], kept.at(-1)], [200, "50", "249"]);
    assert.deepEqual(logs.of("other"), []);
  });

  it("answers with them, and forgets them on request", () => {
    const logs = new HostLogs();
    logs.note("m", line("a"));
    assert.deepEqual(ask(logs, "m"), { id: "m", logs: [line("a")] });
    assert.deepEqual(ask(logs, "m", true), { id: "m", logs: [] });
    assert.equal(ask(logs, "no"), "model-not-found");
  });
});
