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
