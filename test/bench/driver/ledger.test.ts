import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { capacityFor, Ledger } from "../../../bench/driver/ledger.ts";

/** A window of one second, from 1000 to 2000. */
function ledger(capacity = 100): Ledger {
  return new Ledger({ opensAt: 1000, closesAt: 2000 }, capacity);
}

function exchange(book: Ledger, sentAt: number, latencyMs: number, status = 200): void {
  book.sent(sentAt, sentAt);
  book.answered(sentAt, sentAt + latencyMs, status);
}

describe("Ledger", () => {
  it("counts what was due in the window, and nothing before or after", () => {
    const book = ledger();
    for (const sentAt of [900, 1000, 1500, 1999, 2000]) exchange(book, sentAt, 0.5);
    assert.equal(book.close(0, 0).requests, 3);
  });

  it("takes the rate from the 200s that came in within the window", () => {
    const book = ledger();
    exchange(book, 999, 5);
    exchange(book, 1500, 5);
    exchange(book, 1500, 5, 503);
    exchange(book, 1999, 5);
    assert.equal(book.close(0, 0).requestsPerSecond, 2);
  });

  it("keeps latencies of 200s only, and counts the other statuses", () => {
    const book = ledger();
    for (const latencyMs of [10, 30, 20, 40]) exchange(book, 1100, latencyMs);
    exchange(book, 1100, 900, 503);
    exchange(book, 1100, 900, 503);
    const { p50Ms, p90Ms, maxMs, requests, statusesNot200 } = book.close(0, 0);
    assert.deepEqual([p50Ms, p90Ms, maxMs, requests], [20, 40, 40, 6]);
    assert.deepEqual(statusesNot200, { 503: 2 });
  });

  it("counts what came too late among what was taken in, and not among refusals", () => {
    const book = ledger();
    exchange(book, 1100, 10);
    exchange(book, 1100, 1000, 504);
    const { p99Ms, acceptedP99Ms, refusedP99Ms } = book.close(0, 0);
    assert.deepEqual([p99Ms, acceptedP99Ms, refusedP99Ms], [10, 1000, Number.NaN]);
  });

  it("keeps the latencies of refusals apart", () => {
    const book = ledger();
    exchange(book, 1100, 10);
    assert.equal(book.close(0, 0).refusedP99Ms, Number.NaN);
    exchange(book, 1100, 3, 429);
    assert.deepEqual([book.close(0, 0).p99Ms, book.close(0, 0).refusedP99Ms], [10, 3]);
  });

  it("counts a latency from the intended time, and tells how late requests left", () => {
    const book = ledger();
    book.sent(1100, 1160);
    book.answered(1100, 1170, 200);
    const { maxMs, meanSendDelayMs } = book.close(0, 0);
    assert.deepEqual([maxMs, meanSendDelayMs], [70, 60]);
  });

  it("calls unanswered what was sent in vain or not at all, and broken what lost its connection", () => {
    const book = ledger();
    exchange(book, 1100, 1);
    book.sent(1200, 1200);
    book.sent(1300, 1300);
    book.broke(1300);
    const { unanswered, broken } = book.close(3, 0);
    assert.deepEqual([unanswered, broken], [4, 1]);
  });

  it("goes on counting when its memory for latencies is full", () => {
    const book = ledger(1);
    exchange(book, 1100, 1);
    exchange(book, 1100, 9);
    const { requests, maxMs } = book.close(0, 0);
    assert.deepEqual([requests, maxMs], [2, 1]);
  });
});

describe("capacityFor", () => {
  it("holds every arrival of an open loop", () => {
    assert.equal(capacityFor(1500, 1000), 1501);
  });
});
