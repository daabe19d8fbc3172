import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HostLink } from "../../src/front-door/host-link.ts";
import type { Seat } from "../../src/front-door/seat.ts";
import { SharedSeats } from "../../src/front-door/shared-seats.ts";

const model = { model: "m", version: "1", isNamed: true };

function setUp(most?: number) {
  const seats = new SharedSeats(most);
  const claim = (key: string, flags: { start?: boolean; end?: boolean } = {}, of = model) =>
    seats.claim({ key, start: false, end: false, ...flags }, of);
  return { seats, claim };
}

const [start, end] = [{ start: true }, { end: true }];

describe("Shared seats", () => {
  it("are made of what the request says", () => {
    const { seat, ...flags } = setUp().claim("#7", start);
    const { onEnded, ...options } = seat.options;
    assert.deepEqual(flags, { start: true, end: false });
    assert.deepEqual(options, { key: "#7", model: "m", isShared: true });
  });

  it("are one for all frames of a key, begun here or not", () => {
    const { claim, seats } = setUp();
    const first = claim("#7", start).seat;
    const other = claim("#8").seat;
    assert.deepEqual([claim("#7").seat, claim("#8").seat, seats.known], [first, other, 2]);
    assert.notEqual(first, other);
  });

  for (const of of [
    { model: "m", version: "2", isNamed: true },
    { model: "n", version: "1", isNamed: true },
  ]) {
    it(`are another for ${of.model}/${of.version}`, () => {
      const { claim } = setUp();
      assert.notEqual(claim("#7", {}, of).seat, claim("#7").seat);
    });
  }

  it("are another with a start, in the place of the one that was there", () => {
    const { claim, seats } = setUp();
    const old = claim("#7", start).seat;
    const next = claim("#7", start).seat;
    assert.deepEqual([claim("#7").seat, seats.known, old.isOver], [next, 1, false]);
    assert.notEqual(next, old);
  });

  const unnamed = { ...model, isNamed: false };
  const later = { ...unnamed, version: "2" };

  it("stay at the version at which they began while no request names one", () => {
    const { claim } = setUp();
    const { seat } = claim("#7", start, unnamed);
    assert.deepEqual([claim("#7", {}, later).seat, seat.version], [seat, "1"]);
    assert.notEqual(claim("#7", {}, { ...later, isNamed: true }).seat, seat);
    assert.equal(claim("#7", end, later).seat, seat);
    assert.notEqual(claim("#7", {}, later).seat, seat);
  });

  for (const flags of [start, { ...start, ...end }]) {
    it(`begin at the version of now with a ${"end" in flags ? "last " : ""}start`, () => {
      const { claim } = setUp();
      const old = claim("#7", start, unnamed).seat;
      const next = claim("#7", flags, later).seat;
      assert.deepEqual([next === old, next.version], [false, "2"]);
      assert.notEqual(claim("#7", {}, later).seat, old);
    });
  }

  it("are found by those who name their version too", () => {
    const { claim } = setUp();
    const { seat } = claim("#7", start, unnamed);
    assert.equal(claim("#7").seat, seat);
    seat.version = "2";
    assert.notEqual(claim("#7").seat, seat);
  });

  it("forget what its host has dropped, for those who name no version too", () => {
    const { claim } = setUp();
    const { seat } = claim("#7", start, unnamed);
    seat.options.onEnded("draining");
    assert.notEqual(claim("#7", {}, later).seat, seat);
  });

  it("forget the one that ends, which the host ends by itself", () => {
    const { claim, seats } = setUp();
    const { seat } = claim("#7", start);
    const last = claim("#7", end);
    assert.deepEqual(
      [last, seats.known, seat.isOver],
      [{ seat, start: false, end: true }, 0, false],
    );
    assert.notEqual(claim("#7").seat, seat);
  });

  it("keep nothing of one that begins and ends at once", () => {
    const { claim, seats } = setUp();
    claim("#7", { start: true, end: true });
    assert.equal(seats.known, 0);
  });

  it("forget what its host has dropped, once", () => {
    const { claim, seats } = setUp();
    const old = claim("#7", start).seat;
    old.options.onEnded("idle");
    const next = claim("#7").seat;
    old.options.onEnded("idle");
    assert.deepEqual([claim("#7").seat, seats.known], [next, 1]);
    assert.notEqual(next, old);
  });

  it("forget the one that was used longest ago when there are too many, there and at its host", () => {
    const { claim, seats } = setUp(3);
    const unseated: Seat[] = [];
    const link = { unseat: (seat: Seat) => unseated.push(seat) } as unknown as HostLink;
    const [first, second] = ["#1", "#2", "#3"].map((key) => {
      const { seat } = claim(key, start);
      seat.link = link;
      return seat;
    });
    claim("#1");
    claim("#4", start);
    assert.deepEqual([seats.known, unseated], [3, [second]]);
    assert.equal(claim("#1").seat, first);
    assert.notEqual(claim("#2").seat, second);
  });
});
