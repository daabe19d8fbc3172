import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HostLink } from "../../src/front-door/host-link.ts";
import type { Seat } from "../../src/front-door/seat.ts";
import { SharedSeats } from "../../src/front-door/shared-seats.ts";
import { FakeDispatcher } from "./fake-dispatcher.ts";

const model = { model: "m", version: "1" };

function setUp(most?: number) {
  const fake = new FakeDispatcher();
  const seats = new SharedSeats(fake.asDispatcher, most);
  const claim = (key: string, flags: { start?: boolean; end?: boolean } = {}, of = model) =>
    seats.claim({ key, start: false, end: false, ...flags }, of);
  return { fake, seats, claim };
}

const [start, end] = [{ start: true }, { end: true }];

describe("Shared seats", () => {
  it("are made of what the request says", () => {
    const { seat, ...flags } = setUp().claim("#7", start);
    const { onEnded, ...options } = seat.options;
    assert.deepEqual(flags, { start: true, end: false });
    assert.deepEqual(options, { key: "#7", model: "m", isShared: true, isSuspect: false });
  });

  it("are one for all frames of a key, begun here or not", () => {
    const { claim, seats } = setUp();
    const first = claim("#7", start).seat;
    const other = claim("#8").seat;
    assert.deepEqual([claim("#7").seat, claim("#8").seat, seats.known], [first, other, 2]);
    assert.notEqual(first, other);
  });

  for (const of of [
    { model: "m", version: "2" },
    { model: "n", version: "1" },
  ]) {
    it(`are another for ${of.model}/${of.version}`, () => {
      const { claim } = setUp();
      assert.notEqual(claim("#7", {}, of).seat, claim("#7").seat);
    });
  }

  it("end the one that was there, and begin another, with a start", () => {
    const { claim, fake, seats } = setUp();
    const old = claim("#7", start).seat;
    const next = claim("#7", start).seat;
    assert.deepEqual([fake.ended, claim("#7").seat, seats.known], [[old], next, 1]);
    assert.notEqual(next, old);
  });

  it("end nothing with the first start", () => {
    const { claim, fake } = setUp();
    claim("#7", start);
    assert.deepEqual(fake.ended, []);
  });

  it("forget the one that ends, which the host ends by itself", () => {
    const { claim, fake, seats } = setUp();
    const { seat } = claim("#7", start);
    const last = claim("#7", end);
    assert.deepEqual([last, fake.ended, seats.known], [{ seat, start: false, end: true }, [], 0]);
    assert.notEqual(claim("#7").seat, seat);
  });

  it("keep nothing of one that begins and ends at once", () => {
    const { claim, seats } = setUp();
    claim("#7", { start: true, end: true });
    assert.equal(seats.known, 0);
  });

  it("forget what its host has dropped, once", () => {
    const { claim, fake, seats } = setUp();
    const old = claim("#7", start).seat;
    fake.break(old, "idle");
    const next = claim("#7").seat;
    old.options.onEnded("idle");
    assert.deepEqual([claim("#7").seat, seats.known], [next, 1]);
    assert.notEqual(next, old);
  });

  it("forget the one that was used longest ago when there are too many, there and at its host", () => {
    const { claim, fake, seats } = setUp(3);
    const unseated: Seat[] = [];
    const link = { unseat: (seat: Seat) => unseated.push(seat) } as unknown as HostLink;
    const [first, second] = ["#1", "#2", "#3"].map((key) => {
      const { seat } = claim(key, start);
      seat.link = link;
      return seat;
    });
    claim("#1");
    claim("#4", start);
    assert.deepEqual([seats.known, unseated, fake.ended], [3, [second], []]);
    assert.equal(claim("#1").seat, first);
    assert.notEqual(claim("#2").seat, second);
  });
});
