import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AnswerQueue } from "../../src/client/answer-queue.ts";

describe("a queue of answers", () => {
  it("gives what came, in order, and then the end", async () => {
    const queue = new AnswerQueue<number>();
    queue.push(1);
    queue.push(2);
    queue.end();
    queue.push(3);
    const given = [await queue.next(), await queue.next(), await queue.next()];
    assert.deepEqual(given, [
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ]);
  });

  it("wakes who waits", async () => {
    const queue = new AnswerQueue<string>();
    const [first, second] = [queue.next(), queue.next()];
    queue.push("a");
    queue.end();
    assert.deepEqual([(await first).value, (await second).done], ["a", true]);
  });

  it("gives an error behind what came before it", async () => {
    const queue = new AnswerQueue<string>();
    queue.push("a");
    queue.end(new Error("broken"));
    assert.equal((await queue.next()).value, "a");
    await assert.rejects(queue.next(), new Error("broken"));
  });
});
