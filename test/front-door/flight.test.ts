import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { byOrder, claimOf, Flight } from "../../src/front-door/flight.ts";
import { frameOf, newCall, newSeat } from "./calls.ts";

describe("A flight", () => {
  it("is due with its call", () =>
    assert.equal(new Flight(newCall({ deadlineAt: 1_234 }), 1).deadlineAt, 1_234));

  it("leaves something behind that is answered already", () => {
    const flight = new Flight(newCall(), 7);
    const left = flight.leaveBehind();
    assert.deepEqual([left.call, left.isSettled, flight.isSettled], [flight.call, true, false]);
  });

  it("is at the version of its call until it is moved, with the sequence that it begins", () => {
    const seat = newSeat();
    const first = new Flight(newCall({ sequence: frameOf(seat, { start: true }) }), 1);
    const second = new Flight(newCall({ sequence: frameOf(seat) }), 2);
    first.followSequence();
    const before = first.version;
    first.moveTo("2");
    second.followSequence();
    assert.deepEqual([before, first.version, second.version, seat.version], ["1", "2", "2", "2"]);
  });

  it("is tied to its version where that is pinned, or has its sequence", () => {
    const sequence = frameOf(newSeat());
    const calls = [{}, { pinned: true }, { sequence }, { sequence: { ...sequence, start: true } }];
    const tied = calls.map((call) => new Flight(newCall(call), 1).isTied);
    assert.deepEqual(tied, [false, true, true, false]);
  });

  it("stands behind those that were submitted before", () => {
    const flights = [3, 1, 2].map((order) => new Flight(newCall(), order));
    assert.deepEqual(
      flights.toSorted(byOrder).map(({ order }) => order),
      [1, 2, 3],
    );
  });
});

describe("claimOf", () => {
  for (const isShared of [true, false]) {
    it(`says what a frame is to its sequence, ${isShared ? "" : "not "}shared`, () => {
      const seat = newSeat({ key: "9.1", isShared });
      assert.deepEqual(claimOf(frameOf(seat, { start: true })), {
        key: "9.1",
        start: true,
        end: false,
        shared: isShared,
      });
      assert.deepEqual(claimOf(frameOf(seat, { end: true })).end, true);
    });
  }
});
