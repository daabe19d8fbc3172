import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Outbox } from "../../src/platform/outbox.ts";

/** Keeps what is written, and whether that was corked. */
function setUp() {
  const written: string[] = [];
  const socket = {
    destroyed: false,
    cork: () => written.push("cork"),
    uncork: () => written.push("uncork"),
    write: (bytes: Uint8Array) => written.push(Buffer.from(bytes).toString().slice(0, 20)),
  };
  const outbox = new Outbox(socket as unknown as Socket);
  const say = (text: string) => {
    outbox.writer.bytes(Buffer.from(text));
    outbox.plan();
  };
  return { outbox, socket, written, say };
}

describe("Outbox", () => {
  it("sends the frames of a tick together, at its end", async () => {
    const { written, say } = setUp();
    say("a");
    say("b");
    const before = [...written];
    await turn();
    assert.deepEqual([before, written], [[], ["ab"]]);
  });

  it("keeps the other side waiting for no more than sixteen", async () => {
    const { written, say } = setUp();
    for (const letter of "abcdefghijklmnopqrst") say(letter);
    const before = [...written];
    await turn();
    assert.deepEqual([before, written], [["abcdefghijklmnop"], ["abcdefghijklmnop", "qrst"]]);
  });

  it("sends at once where it is told to, and nothing twice", async () => {
    const { outbox, written, say } = setUp();
    say("a");
    outbox.flush();
    outbox.flush();
    await turn();
    say("b");
    await turn();
    assert.deepEqual(written, ["a", "b"]);
  });

  it("sends several pieces as one", async () => {
    const { written, say } = setUp();
    say("a");
    say("x".repeat(9_000));
    say("b");
    await turn();
    assert.deepEqual(written, ["cork", "a", "x".repeat(20), "b", "uncork"]);
  });

  it("sends nothing where the connection has ended", async () => {
    const { socket, written, say } = setUp();
    socket.destroyed = true;
    say("a");
    await turn();
    assert.deepEqual(written, []);
  });
});
