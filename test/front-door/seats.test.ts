import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Call, Flight, type SequenceCall } from "../../src/front-door/flight.ts";
import type { HostLink } from "../../src/front-door/host-link.ts";
import type { Seat, SeatOptions } from "../../src/front-door/seat.ts";
import { Seats } from "../../src/front-door/seats.ts";
import type { EndReason } from "../../src/protocol/sequences.ts";
import { frameOf, newCall, newSeat } from "./calls.ts";

/** A connection that keeps what it is told of sequences. */
class FakeLink {
  readonly hostId: string;
  readonly load = { sequences: 0, outstandingRequests: 0, breakerRetryMs: 0 };
  readonly ended: Seat[] = [];
  readonly forgotten: string[] = [];
  readonly seats = new Set<Seat>();
  isAlive = true;

  constructor(hostId = "m/1#0.1") {
    this.hostId = hostId;
  }

  get asLink(): HostLink {
    return this as unknown as HostLink;
  }

  seat(seat: Seat): void {
    seat.link?.unseat(seat);
    seat.link = this.asLink;
    this.seats.add(seat);
  }

  unseat(seat: Seat): void {
    seat.link = undefined;
    this.seats.delete(seat);
  }

  endSequence(seat: Seat): void {
    this.unseat(seat);
    this.ended.push(seat);
  }

  forget(key: string): void {
    this.forgotten.push(key);
  }
}

function setUp(changed: Partial<SeatOptions> = {}) {
  const events: string[] = [];
  const seats = new Seats({
    keepers: () => [],
    failWaiting: (_seat, { message }) => events.push(`waiting: ${message.split(", ")[1]}`),
    onLost: ({ options }) => events.push(`lost ${options.key}`),
  });
  const seat = newSeat({ onEnded: (reason) => events.push(`ended ${reason}`), ...changed });
  let order = 0;
  /** A frame that is under way. */
  const submit = (flags: Partial<SequenceCall> = {}, call: Partial<Call> = {}) => {
    order += 1;
    const flight = new Flight(newCall({ sequence: frameOf(seat, flags), ...call }), order);
    seats.noteSubmitted(flight);
    return flight;
  };
  /** One that is at the host. */
  const send = (link: FakeLink, flags: Partial<SequenceCall> = {}) => {
    const flight = submit(flags);
    seats.choose(flight, [link.asLink]);
    flight.link = link.asLink;
    return flight;
  };
  /** One that has been answered. */
  const done = (link: FakeLink, flags: Partial<SequenceCall> = {}) => {
    const flight = send(link, flags);
    seats.noteSettled(flight);
    seats.noteDone(flight);
  };
  return { events, seats, seat, submit, send, done };
}

const start = { start: true };
const lostFailure = { code: "sequence-lost", message: "" } as const;
const words = "Cannot run frame: its sequence has ended, the host that kept it died";

function isMoreThanWaiting(event: string): boolean {
  return !event.startsWith("waiting");
}

describe("Seats", () => {
  it("know nothing of requests that stand for themselves", () => {
    const { seats, events } = setUp();
    const plain = new Flight(newCall(), 1);
    const link = new FakeLink();
    plain.link = link.asLink;
    seats.noteSubmitted(plain);
    seats.noteDone(plain);
    seats.noteFailed(plain, lostFailure);
    seats.noteSettled(plain);
    seats.breakOf(plain, "expired");
    assert.equal(seats.choose(plain, [link.asLink]), undefined);
    assert.equal(seats.isElsewhere(plain, lostFailure), false);
    assert.equal(seats.judgeLoss(plain), undefined);
    assert.equal(seats.judgeLate(plain), undefined);
    assert.deepEqual(events, []);
  });

  it("count what is under way", () => {
    const { seats, seat, submit } = setUp();
    const flights = [submit(start), submit()];
    const before = seat.inFlight;
    for (const flight of flights) seats.noteSettled(flight);
    assert.deepEqual([before, seat.inFlight], [2, 0]);
  });

  it("are taken with the first frame, at the host that gets it", () => {
    const { seat, send } = setUp();
    const link = new FakeLink();
    send(link, start);
    assert.deepEqual([seat.link, seat.isBegun, [...link.seats]], [link.asLink, true, [seat]]);
  });

  it("are not taken by a later frame before its host has answered", () => {
    const { seats, seat, send } = setUp({ isShared: true });
    const link = new FakeLink();
    const flight = send(link);
    const before = seat.link;
    seats.noteAnswer(flight);
    assert.deepEqual([before, seat.link, seat.hasAnswered], [undefined, link.asLink, true]);
  });

  it("move with a first frame that another host gets", () => {
    const { seats, seat, send } = setUp();
    const [old, next] = [new FakeLink("m/1#0.1"), new FakeLink("m/1#1.1")];
    const flight = send(old, start);
    seats.choose(flight, [next.asLink]);
    assert.deepEqual([seat.link, old.seats.size, next.seats.size], [next.asLink, 0, 1]);
  });

  it("are given back with a first frame that waits for the next host", () => {
    const { seats, seat, send } = setUp();
    const link = new FakeLink();
    const flight = send(link, start);
    assert.deepEqual(seats.choose(flight, []), { type: "wait" });
    assert.deepEqual([seat.link, link.seats.size], [undefined, 0]);
  });

  for (const [outcome, code] of [
    ["answered", undefined],
    ["refused", "invalid-request"],
  ] as const) {
    it(`are left when the last frame is ${outcome}`, () => {
      const { seats, seat, send, events } = setUp({ isShared: true });
      const link = new FakeLink();
      const flight = send(link, { start: true, end: true });
      seats.noteSettled(flight);
      if (code === undefined) seats.noteDone(flight);
      else seats.noteFailed(flight, { code, message: "" });
      assert.deepEqual([seat.link, link.seats.size, seat.isOver], [undefined, 0, true]);
      assert.deepEqual([link.ended, events], [[], []]);
    });
  }

  it("are not taken again by an answer that comes after the end", () => {
    const { seats, seat, send } = setUp();
    const link = new FakeLink();
    const flight = send(link, start);
    seats.end(seat);
    seats.noteSettled(flight);
    seats.noteDone(flight);
    assert.deepEqual([seat.link, link.seats.size, link.ended], [undefined, 0, [seat]]);
  });

  it("are ended at the host once, which is no news to the client", () => {
    const { seats, seat, done, events } = setUp();
    const link = new FakeLink();
    done(link, start);
    seats.end(seat);
    seats.end(seat);
    seats.noteEnded(seat, "idle");
    assert.deepEqual([link.ended, events, seat.isOver], [[seat], [], true]);
  });
});

describe("A shared sequence that begins", () => {
  const hosts = () => [new FakeLink("m/1#0.1"), new FakeLink("m/1#1.1"), new FakeLink("m/1#2.1")];

  for (const isShared of [true, false]) {
    it(`is ${isShared ? "" : "not "}forgotten at the other hosts, where it is ${isShared ? "" : "not "}shared`, () => {
      const { seats, seat, submit } = setUp({ isShared });
      const links = hosts();
      seats.choose(
        submit(start),
        links.map(({ asLink }) => asLink),
      );
      const forgetful = links.filter(({ forgotten }) => forgotten.length > 0);
      assert.equal(forgetful.length, isShared ? 2 : 0);
      assert.ok(
        forgetful.every(
          ({ asLink, forgotten }) => asLink !== seat.link && forgotten.join() === "k",
        ),
      );
    });
  }

  it("is forgotten nowhere by the frames behind it", () => {
    const { seats, submit } = setUp({ isShared: true });
    const links = hosts();
    seats.choose(
      submit(),
      links.map(({ asLink }) => asLink),
    );
    assert.ok(links.every(({ forgotten }) => forgotten.length === 0));
  });
});

describe("A sequence that is given up", () => {
  it("is ended at its host, and its opener hears why, once", () => {
    const { seats, seat, done, events } = setUp();
    const link = new FakeLink();
    done(link, start);
    seats.giveUp(seat, "failed");
    seats.giveUp(seat, "failed");
    assert.deepEqual([link.ended, events, seat.link], [[seat], ["ended failed"], undefined]);
  });

  it("still has the answers that are under way", () => {
    const { seats, seat, send } = setUp();
    const flight = send(new FakeLink(), start);
    seats.giveUp(seat, "failed");
    assert.equal(seats.judgeLate(flight), undefined);
  });

  it("is no matter where it is over", () => {
    const { seats, seat, events } = setUp();
    seats.end(seat);
    seats.giveUp(seat, "failed");
    assert.deepEqual(events, []);
  });
});

describe("What a host says of the end of a sequence", () => {
  const rows: readonly (readonly [EndReason, boolean, boolean])[] = [
    ["idle", true, true],
    ["expired", true, true],
    ["cancelled", true, true],
    ["failed", true, true],
    ["draining", true, true],
    ["draining", false, true],
    ["idle", false, false],
    ["expired", false, false],
    ["cancelled", false, false],
    ["failed", false, false],
  ];
  for (const [reason, hasAnswered, isOver] of rows) {
    const what = `${hasAnswered ? "" : "nothing "}was answered: ${reason}`;
    it(`is ${isOver ? "its own" : "of the one before it of the same key"} where ${what}`, () => {
      const { seats, seat, send, done, events } = setUp();
      const link = new FakeLink();
      if (hasAnswered) done(link, start);
      else send(link, start);
      seats.noteEnded(seat, reason);
      seats.noteEnded(seat, reason);
      assert.deepEqual([seat.isOver, seat.link === undefined], [isOver, isOver]);
      assert.deepEqual(events.filter(isMoreThanWaiting), isOver ? [`ended ${reason}`] : []);
    });
  }

  it("is what frames get that were answered behind the one that ended it", () => {
    const { seats, send, done } = setUp();
    const link = new FakeLink();
    done(link, start);
    const [ahead, flight, behind] = [send(link), send(link), send(link)];
    const before = seats.judgeLate(behind);
    seats.noteSettled(flight);
    seats.breakOf(flight, "expired");
    assert.deepEqual([before, seats.judgeLate(behind)?.code], [undefined, "sequence-lost"]);
    assert.equal(seats.judgeLate(ahead), undefined, "that one was run before it");
  });

  it("counts from the first of several that were given up", () => {
    const { seats, send, done } = setUp();
    const link = new FakeLink();
    done(link, start);
    const [first, second, third] = [send(link), send(link), send(link)];
    for (const flight of [third, first]) {
      seats.noteSettled(flight);
      seats.breakOf(flight, "cancelled");
    }
    assert.equal(seats.judgeLate(second)?.code, "sequence-lost");
  });

  it("is no matter to frames whose client has ended it", () => {
    const { seats, seat, send } = setUp();
    const flight = send(new FakeLink(), start);
    seats.end(seat);
    assert.equal(seats.judgeLate(flight), undefined);
  });
});

describe("A frame that its host does not keep the sequence of", () => {
  it("is asked for elsewhere, where its host was only asked", () => {
    const { seats, send } = setUp({ isShared: true });
    const [first, second] = [new FakeLink("m/1#0.1"), new FakeLink("m/1#1.1")];
    const flight = send(first);
    assert.equal(seats.isElsewhere(flight, lostFailure), true);
    flight.link = second.asLink;
    assert.equal(seats.isElsewhere(flight, lostFailure), true);
    assert.deepEqual(flight.tried, [first.asLink, second.asLink]);
  });

  const others: readonly (readonly [string, (parts: ReturnType<typeof setUp>) => boolean])[] = [
    [
      "where its host kept it",
      ({ seats, send }) => {
        const link = new FakeLink();
        send(link, start);
        return seats.isElsewhere(send(link), lostFailure);
      },
    ],
    [
      "where it failed of something else",
      ({ seats, send }) =>
        seats.isElsewhere(send(new FakeLink()), { code: "overloaded", message: "" }),
    ],
    [
      "where the sequence is over",
      ({ seats, seat, send }) => {
        const flight = send(new FakeLink());
        seats.end(seat);
        return seats.isElsewhere(flight, lostFailure);
      },
    ],
    [
      "where a part of the answer is out",
      ({ seats, send }) => {
        const flight = send(new FakeLink());
        flight.hasChunks = true;
        return seats.isElsewhere(flight, lostFailure);
      },
    ],
  ];
  for (const [name, isElsewhere] of others) {
    it(`is not ${name}`, () => assert.equal(isElsewhere(setUp({ isShared: true })), false));
  }

  it("ends it, once, where its host kept it", () => {
    const { seats, seat, send, done, events } = setUp();
    const link = new FakeLink();
    done(link, start);
    for (const flight of [send(link), send(link)]) {
      seats.noteSettled(flight);
      seats.noteFailed(flight, lostFailure);
    }
    assert.deepEqual(events.at(-1), "ended gone");
    assert.deepEqual(events.filter((event) => event.startsWith("ended")).length, 1);
    assert.deepEqual([seat.link, link.seats.size], [undefined, 0]);
  });

  it("is nobody's loss where nobody here ever had it", () => {
    const { seats, send, events } = setUp({ isShared: true });
    const flight = send(new FakeLink());
    seats.noteSettled(flight);
    seats.noteFailed(flight, lostFailure);
    assert.deepEqual(events, ["ended gone"]);
  });
});

describe("A frame that was not run", () => {
  for (const reason of ["expired", "cancelled"] as const) {
    it(`ends its sequence, at the host too, which may have answered it: ${reason}`, () => {
      const { seats, seat, send, done, events } = setUp();
      const link = new FakeLink();
      done(link, start);
      const flight = send(link);
      seats.noteSettled(flight);
      seats.breakOf(flight, reason);
      seats.breakOf(flight, reason);
      assert.deepEqual([events, link.ended, seat.link], [[`ended ${reason}`], [seat], undefined]);
    });
  }

  it("leaves it to the host to end what is shared, where it may be another's by now", () => {
    const { seats, seat, send, events } = setUp({ isShared: true });
    const link = new FakeLink();
    const flight = send(link, start);
    seats.breakOf(flight, "expired");
    assert.deepEqual([events.at(-1), link.ended, seat.link], ["ended expired", [], undefined]);
  });

  it("takes those along that wait for a host", () => {
    const { seats, submit, events } = setUp();
    const flight = submit(start);
    submit();
    seats.noteSettled(flight);
    seats.breakOf(flight, "expired");
    assert.deepEqual(events, ["waiting: the deadline of a frame passed", "ended expired"]);
  });

  it("changes nothing where the sequence is over", () => {
    const { seats, seat, send, events } = setUp();
    const link = new FakeLink();
    const flight = send(link, start);
    seats.end(seat);
    seats.breakOf(flight, "cancelled");
    assert.deepEqual([events, link.ended], [[], [seat]]);
  });
});

describe("What a frame gets whose host has died", () => {
  /** The connection as `abandon` leaves it. */
  const abandon = (link: FakeLink) => {
    const seats = [...link.seats];
    for (const seat of seats) link.unseat(seat);
    return seats;
  };

  it("is nothing, where nothing of its sequence was answered: it begins again", () => {
    const { seats, send, events } = setUp();
    const link = new FakeLink();
    const flights = [send(link, start), send(link)];
    const left = abandon(link);
    const verdicts = flights.map((flight) => seats.judgeLoss(flight));
    seats.lose(left);
    assert.deepEqual([verdicts, events], [[undefined, undefined], []]);
  });

  const answers: readonly (readonly [string, (parts: ReturnType<typeof setUp>) => void])[] = [
    ["a frame", ({ done }) => done(new FakeLink(), start)],
    ["a part of one", ({ seats, send }) => seats.noteAnswer(send(new FakeLink(), start))],
    [
      "a frame with its refusal",
      ({ seats, send }) => {
        const flight = send(new FakeLink(), start);
        seats.noteSettled(flight);
        seats.noteFailed(flight, { code: "invalid-request", message: "" });
      },
    ],
  ];
  for (const [what, answer] of answers) {
    it(`is the loss of its sequence, where ${what} was answered`, () => {
      const parts = setUp();
      const { seats, seat, send, events } = parts;
      answer(parts);
      const link = new FakeLink();
      link.seat(seat);
      const flight = send(link);
      const left = abandon(link);
      assert.deepEqual(seats.judgeLoss(flight), {
        code: "sequence-lost",
        message: words,
      });
      seats.noteSettled(flight);
      seats.lose(left);
      seats.lose(left);
      assert.deepEqual(events.filter(isMoreThanWaiting), ["lost k", "ended lost"]);
    });
  }

  it("is nothing, where its sequence has moved and it was on its way back", () => {
    const { seats, send, done } = setUp();
    const [old, next] = [new FakeLink("m/1#0.1"), new FakeLink("m/1#1.1")];
    const behind = send(old);
    done(next, start);
    abandon(old);
    assert.equal(seats.judgeLoss(behind), undefined);
  });

  it("is a sequence's loss too where none of its frames was under way", () => {
    const { seats, done, events } = setUp();
    const link = new FakeLink();
    done(link, start);
    seats.lose(abandon(link));
    assert.deepEqual(events, ["lost k", "ended lost"]);
  });

  const asking: readonly (readonly [string, boolean, boolean])[] = [
    ["is nothing", false, true],
    ["is the loss of its sequence", true, false],
  ];
  for (const [what, isRunning, isAsked] of asking) {
    it(`${what} where the host was asked for it and ${isRunning ? "ran" : "had not answered"}`, () => {
      const { seats, send } = setUp({ isShared: true });
      const link = new FakeLink();
      const flight = send(link);
      flight.isRunning = isRunning;
      const verdict = seats.judgeLoss(flight);
      assert.deepEqual(
        [verdict?.code, flight.tried],
        isAsked ? [undefined, [link.asLink]] : ["sequence-lost", []],
      );
    });
  }
});

describe("What a frame gets whose sequence nobody keeps", () => {
  const ended = "Cannot run frame: its sequence has ended, ";
  const rows: readonly (readonly [string, (parts: ReturnType<typeof setUp>) => void, string])[] = [
    [
      "why it ended",
      ({ seats, done, seat }) => {
        done(new FakeLink(), start);
        seats.noteEnded(seat, "idle");
      },
      `${ended}it was idle for too long`,
    ],
    [
      "that it is gone, where it was begun here",
      ({ done }) => done(new FakeLink(), start),
      `${ended}its host does not keep it any more`,
    ],
    [
      "that it is unknown, where it was not",
      () => undefined,
      "Cannot go on: no such sequence is kept here; it was never begun, has ended, was dropped, or died with its host",
    ],
  ];
  for (const [what, act, message] of rows) {
    it(`says ${what}`, () => {
      const parts = setUp({ isShared: true });
      act(parts);
      assert.deepEqual(parts.seats.lossOf(parts.submit()), { code: "sequence-lost", message });
    });
  }
});
