import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplicaLoad } from "../../src/front-door/admission.ts";
import type { HostLink } from "../../src/front-door/host-link.ts";
import type { Seat } from "../../src/front-door/seat.ts";
import { type Seating, type SeatingFacts, seatFrame } from "../../src/front-door/seating.ts";
import { newSeat } from "./calls.ts";

/** All of a connection that matters here. */
function link(hostId: string, load: Partial<ReplicaLoad> = {}, isAlive = true): HostLink {
  const idle = { sequences: 0, outstandingRequests: 0, breakerRetryMs: 0 };
  return { hostId, isAlive, load: { ...idle, ...load } } as unknown as HostLink;
}

function seated(seat: Seat, at: HostLink | undefined): Seat {
  seat.link = at;
  return seat;
}

function begun(seat: Seat): Seat {
  seat.isBegun = true;
  return seat;
}

function over(seat: Seat): Seat {
  seat.isOver = true;
  return seat;
}

function seatOf(facts: Partial<SeatingFacts>): Seating {
  return seatFrame({ seat: newSeat(), start: false, open: [], keepers: [], tried: [], ...facts });
}

/** The host's id, or what is done instead. */
function told(seating: Seating): string {
  return seating.type === "send" ? seating.link.hostId : seating.type;
}

const shared = { isShared: true };
const [a, b] = [link("m/1#0.1"), link("m/1#1.1")];
const shut = [
  link("m/1#0.1", { breakerRetryMs: 1 }),
  link("m/1#1.1", { breakerRetryMs: 1 }),
] as const;

describe("seatFrame", () => {
  const dead = link("m/1#2.1", {}, false);
  const rows: readonly (readonly [string, Partial<SeatingFacts>, string])[] = [
    ["sends the first frame to the only host", { start: true, open: [a] }, "m/1#0.1"],
    ["lets the first frame wait where there is no host", { start: true }, "wait"],
    [
      "lets the first frame of a shared one wait where there is no host",
      { seat: newSeat(shared), start: true },
      "wait",
    ],
    [
      "looks for a shared one at hosts on their way out last",
      { seat: newSeat(shared), open: [a], keepers: [b, a], tried: [a] },
      "m/1#1.1",
    ],
    [
      "looks for a shared one at hosts on their way out where there is no other",
      { seat: newSeat(shared), keepers: [b] },
      "m/1#1.1",
    ],
    [
      "finds a shared one nowhere when those on their way out were asked too",
      { seat: newSeat(shared), open: [a], keepers: [b], tried: [b, a] },
      "lost",
    ],
    [
      "lets a shared one wait for the host that comes when those on their way out were asked",
      { seat: newSeat(shared), keepers: [b], tried: [b] },
      "wait",
    ],
    ["refuses what is over, first frame or not", { seat: over(newSeat()), open: [a] }, "lost"],
    [
      "sends the first frame of a shared one to the first whose breaker lets it",
      { seat: newSeat(shared), start: true, open: [shut[0], b] },
      "m/1#1.1",
    ],
    [
      "sends the first frame of a shared one to the other first whose breaker lets it",
      { seat: newSeat(shared), start: true, open: [a, shut[1]] },
      "m/1#0.1",
    ],
    [
      "looks for a shared one at a host whose breaker is open too",
      { seat: newSeat(shared), open: [shut[0], b], tried: [b] },
      "m/1#0.1",
    ],
    [
      "refuses the first frame of what is over",
      { seat: over(newSeat()), start: true, open: [a] },
      "lost",
    ],
    [
      "sends the next frame where the first one went",
      { seat: seated(begun(newSeat()), b), open: [a, b] },
      "m/1#1.1",
    ],
    [
      "sends the next frame there although the host takes no new work",
      { seat: seated(begun(newSeat()), b), open: [a] },
      "m/1#1.1",
    ],
    [
      "gives up the next frame where the connection is gone",
      { seat: seated(begun(newSeat()), dead), open: [a] },
      "lost",
    ],
    [
      "lets the next frame wait behind the first",
      { seat: begun(newSeat(shared)), open: [a] },
      "wait",
    ],
    [
      "lets a frame wait where no host is there yet that could be asked",
      { seat: newSeat(shared) },
      "wait",
    ],
    [
      "gives up a frame for which the last host was asked",
      { seat: newSeat(shared), open: [a], tried: [a] },
      "lost",
    ],
    [
      "gives up a frame for which a host was asked that is gone",
      { seat: newSeat(shared), tried: [a] },
      "lost",
    ],
  ];
  for (const [name, facts, expected] of rows) {
    it(name, () => assert.equal(told(seatOf(facts)), expected));
  }
});

describe("The host of a sequence that begins", () => {
  const rows: readonly (readonly [string, readonly Partial<ReplicaLoad>[], number])[] = [
    ["is the one with the fewest sequences", [{ sequences: 3 }, { sequences: 2 }], 1],
    ["is the first among equals", [{}, {}], 0],
    [
      "is the one with fewer sequences, however much there is to do",
      [{ sequences: 3 }, { sequences: 2, outstandingRequests: 9_000 }],
      1,
    ],
    [
      "is the one with less to do, where they have as many",
      [
        { sequences: 2, outstandingRequests: 2 },
        { sequences: 2, outstandingRequests: 1 },
      ],
      1,
    ],
    [
      "is one whose breaker lets it, however many it has",
      [{ breakerRetryMs: 1 }, { sequences: 1_000_000 }],
      1,
    ],
    [
      "is one whose breaker is open, where all are",
      [
        { breakerRetryMs: 1, sequences: 2 },
        { breakerRetryMs: 1, sequences: 1 },
      ],
      1,
    ],
  ];
  for (const [name, loads, expected] of rows) {
    it(name, () => {
      const open = loads.map((load, at) => link(`m/1#${at}.1`, load));
      assert.equal(told(seatOf({ start: true, open })), `m/1#${expected}.1`);
    });
  }
});

const keys = Array.from({ length: 3_000 }, (_, at) => (at % 2 === 0 ? `#${at}` : `=id-${at}`));

/** Where each of the keys begins. */
function placesOf(open: readonly HostLink[]): readonly string[] {
  return keys.map((key) => told(seatOf({ seat: newSeat({ ...shared, key }), start: true, open })));
}

function hosts(count: number, incarnation = 1): readonly HostLink[] {
  return Array.from({ length: count }, (_, at) => link(`m/1#${at}.${incarnation}`));
}

describe("The host of a sequence that every front door may ask for", () => {
  it("is the same in whatever order they know the hosts, and whatever these have to do", () => {
    const known = hosts(5);
    const busy = known.map(({ hostId }, at) => link(hostId, { sequences: 100 * at }));
    assert.deepEqual(placesOf(busy.toReversed()), placesOf(known));
  });

  for (const count of [2, 3, 5, 12]) {
    it(`is each of ${count} for about as many`, () => {
      const counts = new Map<string, number>();
      for (const place of placesOf(hosts(count))) counts.set(place, (counts.get(place) ?? 0) + 1);
      const fair = keys.length / count;
      assert.equal(counts.size, count);
      for (const [place, has] of counts) {
        assert.ok(Math.abs(has - fair) < fair / 4, `${place} has ${has} of ${keys.length}`);
      }
    });
  }

  it("stays for all but those which a new host gets", () => {
    const [before, after] = [placesOf(hosts(3)), placesOf(hosts(4))];
    const moved = after.filter((place, at) => place !== before[at]);
    assert.ok(moved.length < keys.length / 3, `${moved.length} moved`);
    assert.deepEqual(new Set(moved), new Set(["m/1#3.1"]));
  });

  it("is the first in order where the breakers of all are open", () => {
    const known = hosts(3);
    const open = known.map(({ hostId }) => link(hostId, { breakerRetryMs: 1 }));
    assert.deepEqual(placesOf(open), placesOf(known));
  });

  it("has the place that it had before it was restarted", () => {
    const before = placesOf(hosts(3, 1)).map((place) => place.replace(/1$/, "27"));
    assert.deepEqual(placesOf(hosts(3, 27)), before);
  });

  it("is looked for from the first in this order to the last, each once", () => {
    const seat = newSeat({ ...shared, key: "#7" });
    const open = hosts(4);
    const asked: HostLink[] = [];
    for (;;) {
      const seating = seatOf({ seat, open, tried: asked });
      if (seating.type !== "send") break;
      asked.push(seating.link);
    }
    const first = seatOf({ seat, open, start: true });
    assert.deepEqual(new Set(asked), new Set(open));
    assert.deepEqual([asked.length, asked[0]], [4, first.type === "send" && first.link]);
  });
});
