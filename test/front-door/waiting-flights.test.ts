import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Flight } from "../../src/front-door/flight.ts";
import { WaitingFlights } from "../../src/front-door/waiting-flights.ts";
import { frameOf, newCall, newSeat } from "./calls.ts";

describe("Flights that wait", () => {
  it("are given back once, in order, those of one model", () => {
    const waiting = new WaitingFlights();
    const calls = [{ version: "2" }, { model: "n" }, {}, {}].map(newCall);
    const [first, other, left, last] = calls.map((call, at) => new Flight(call, at)) as Flight[];
    for (const flight of [first, other, left, last]) waiting.add(flight as Flight);
    waiting.remove(left as Flight);
    assert.deepEqual([...waiting.take("m")], [first, last]);
    assert.deepEqual([[...waiting.take("m")], [...waiting.take("n")]], [[], [other]]);
  });

  it("are found by their sequence", () => {
    const waiting = new WaitingFlights();
    const seats = [newSeat(), newSeat({ key: "other" })];
    const flights = seats.map((seat) => new Flight(newCall({ sequence: frameOf(seat) }), 1));
    for (const flight of [...flights, new Flight(newCall(), 2)]) waiting.add(flight);
    assert.deepEqual(
      seats.map((seat) => waiting.of(seat)),
      flights.map((flight) => [flight]),
    );
    assert.deepEqual(waiting.of(newSeat({ model: "n" })), []);
  });
});
