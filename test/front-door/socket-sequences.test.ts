import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Seat, SeatEnd } from "../../src/front-door/seat.ts";
import {
  type SequenceNotice,
  type SlotName,
  SocketSequences,
  wasRefused,
} from "../../src/front-door/socket-sequences.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { endReasons } from "../../src/protocol/sequences.ts";
import { newCall } from "./calls.ts";
import { FakeDispatcher } from "./fake-dispatcher.ts";

function named(fields: Partial<SlotName> = {}): SlotName {
  return { model: "m", sequence: undefined, ...fields };
}

const own = named();

function setUp() {
  const fake = new FakeDispatcher();
  const notices: SequenceNotice[] = [];
  const sequences = new SocketSequences({
    dispatcher: fake.asDispatcher,
    notify: (notice) => notices.push(notice),
  });
  /** A frame that was taken, and is under way. */
  const infer = (name = own, version = "1", asked?: string) => {
    const claim = sequences.claim(name, asked);
    sequences.taken(claim, version);
    const call = newCall({
      sequence: claim.call,
      onDone: () => sequences.settled(claim, null),
      onFailed: (failure) => sequences.settled(claim, failure),
    });
    fake.submit(call);
    return {
      ...claim.call,
      version: claim.version,
      done: () => fake.done(call),
      failed: (code: ErrorCode) => fake.failed(call, code),
    };
  };
  const brief = () => notices.map(({ sequence, reason }) => `${sequence ?? "own"} ${reason}`);
  return { fake, sequences, notices, brief, infer };
}

describe("A frame on a socket", () => {
  it("begins a sequence, and the next one goes on with it", () => {
    const { infer } = setUp();
    const [first, second, third] = [infer(), infer(), infer()];
    assert.deepEqual([first.start, second.start, third.start], [true, false, false]);
    assert.deepEqual([second.seat, third.seat], [first.seat, first.seat]);
  });

  it("has a seat that no other front door may ask for", () => {
    const { infer } = setUp();
    const { onEnded, key, ...options } = infer().seat.options;
    assert.deepEqual(options, { model: "m", isShared: false });
    assert.match(key, /^\d+\.\d+$/);
  });

  it("has a key that no other sequence has, on this socket or another", () => {
    const sockets = [setUp(), setUp()];
    const seats = sockets.flatMap(({ infer }) => [infer(), infer(named({ sequence: "a" }))]);
    assert.equal(new Set(seats.map(({ seat }) => seat.options.key)).size, 4);
  });

  it("changes nothing before it is taken", () => {
    const { sequences, infer } = setUp();
    sequences.claim(own, undefined);
    const claim = sequences.claim(own, undefined);
    assert.deepEqual(
      [claim.call.start, sequences.isHeld, sequences.isOpen(own)],
      [true, false, false],
    );
    assert.equal(infer().start, true);
  });

  it("goes on with the version that has begun", () => {
    const { infer, sequences } = setUp();
    const first = infer(own, "7");
    const [second, third] = [infer(own, "8"), infer(own, "7", "7")];
    sequences.reset(own);
    const fourth = infer(own, "8", "8");
    assert.deepEqual([first.version, second.version, third.version], [undefined, "7", "7"]);
    assert.deepEqual([fourth.version, infer().version], ["8", "8"]);
  });

  it("goes on with the version that has it by now", () => {
    const { infer, sequences } = setUp();
    infer(own, "7").seat.version = "6";
    assert.equal(infer().version, "6");
    assert.throws(() => sequences.claim(own, "7"), { code: "invalid-request" });
  });

  it("may not ask for another version in the middle", () => {
    const { infer, sequences } = setUp();
    const { seat } = infer(own, "7");
    assert.throws(() => sequences.claim(own, "8"), {
      code: "invalid-request",
      message: "version must be '7', which has the sequence, got '8'; reset it first",
    });
    assert.equal(infer().seat, seat);
  });

  const names: readonly SlotName[] = [
    own,
    named({ sequence: "a" }),
    named({ sequence: "b" }),
    named({ sequence: "null" }),
    named({ model: "n" }),
    named({ model: "n", sequence: "a" }),
  ];
  it("belongs to the sequence of its model and name, and to no other", () => {
    const { infer } = setUp();
    const seats = names.map((name) => infer(name).seat);
    assert.equal(new Set(seats).size, names.length);
    assert.deepEqual(
      names.map((name) => infer(name).seat),
      seats,
    );
  });

  it("that is refused as the first one leaves the next one first, with no notice", () => {
    const { infer, fake, brief, sequences } = setUp();
    const first = infer();
    first.failed("overloaded");
    assert.deepEqual([fake.ended, sequences.isHeld], [[first.seat], false]);
    const next = infer();
    assert.deepEqual([next.start, next.seat === first.seat, brief()], [true, false, []]);
  });

  it("that is refused as the first one leaves the one alone that was begun since", () => {
    const { infer, sequences, fake } = setUp();
    const first = infer();
    sequences.reset(own);
    const next = infer();
    first.failed("overloaded");
    assert.deepEqual([fake.ended, infer().seat], [[first.seat], next.seat]);
  });

  it("that is refused as the first one leaves those that are under way with it", () => {
    const { infer, fake } = setUp();
    const [first, second] = [infer(), infer()];
    first.failed("overloaded");
    second.done();
    assert.deepEqual([infer().seat, fake.ended], [first.seat, []]);
  });

  const firsts: readonly (readonly [ErrorCode, boolean])[] = [
    ["invalid-request", true],
    ["overloaded", true],
    ["model-unavailable", true],
    ["draining", true],
    ["poison-request", true],
    ["inference-failed", false],
    ["deadline-exceeded", false],
    ["cancelled", false],
    ["internal", false],
  ];
  for (const [code, isLeft] of firsts) {
    it(`that failed as the first one ${isLeft ? "was never part of it" : "was part of it"}: ${code}`, () => {
      const { infer, fake } = setUp();
      const first = infer();
      first.failed(code);
      assert.equal(wasRefused({ code, message: "" }), isLeft);
      assert.deepEqual([infer().start, fake.ended], [isLeft, isLeft ? [first.seat] : []]);
    });
  }

  it("that is refused later leaves the sequence as it is", () => {
    const { infer } = setUp();
    const first = infer();
    first.done();
    infer().failed("overloaded");
    assert.equal(infer().seat, first.seat);
  });
});

describe("A reset", () => {
  it("lets the next frame begin anew, and the host forget what there was, with no notice", () => {
    const { infer, sequences, fake, brief } = setUp();
    const first = infer();
    first.done();
    sequences.reset(own);
    const next = infer();
    assert.deepEqual([next.start, next.seat === first.seat], [true, false]);
    assert.deepEqual([fake.ended, brief()], [[first.seat], []]);
  });

  it("waits for the frames that are under way", () => {
    const { infer, sequences, fake } = setUp();
    const [first, second] = [infer(), infer()];
    sequences.reset(own);
    first.done();
    const before = [...fake.ended];
    second.done();
    assert.deepEqual([before, fake.ended], [[], [first.seat]]);
  });

  it("may come again at once", () => {
    const { infer, sequences, fake } = setUp();
    const first = infer();
    sequences.reset(own);
    sequences.reset(own);
    const next = infer();
    sequences.reset(own);
    for (const frame of [next, first]) frame.done();
    assert.deepEqual(fake.ended, [next.seat, first.seat]);
    assert.equal(sequences.isHeld, false);
  });

  it("is of one name alone", () => {
    const { infer, sequences } = setUp();
    const other = infer(named({ sequence: "a" }));
    infer();
    sequences.reset(own);
    assert.equal(infer(named({ sequence: "a" })).seat, other.seat);
  });

  it("says nothing of what breaks afterwards", () => {
    const { infer, sequences, fake, brief } = setUp();
    const first = infer();
    sequences.reset(own);
    fake.break(first.seat, "expired");
    first.failed("sequence-lost");
    assert.deepEqual([brief(), sequences.isHeld, infer().start], [[], false, true]);
  });

  it("is nothing where there is nothing", () => {
    const { sequences, brief, fake, infer } = setUp();
    sequences.reset(own);
    assert.deepEqual([brief(), fake.ended, infer().start], [[], [], true]);
  });
});

describe("The end of a sequence", () => {
  it("is told when the last frame is answered", () => {
    const { infer, sequences, fake, notices } = setUp();
    const name = named({ sequence: "a" });
    const [first, second] = [infer(name), infer(name)];
    sequences.end(name);
    first.done();
    const before = [...notices];
    second.done();
    assert.deepEqual([before, notices], [[], [{ ...name, reason: "end" }]]);
    assert.deepEqual([fake.ended, sequences.isHeld], [[first.seat], false]);
  });

  it("is told at once where nothing is under way", () => {
    const { infer, sequences, brief, fake } = setUp();
    const first = infer();
    first.done();
    sequences.end(own);
    assert.deepEqual([brief(), fake.ended], [["own end"], [first.seat]]);
  });

  it("frees the name, which has no sequence then", () => {
    const { infer, sequences } = setUp();
    const first = infer();
    sequences.end(own);
    const next = infer();
    assert.deepEqual([next.start, next.seat === first.seat], [true, false]);
  });

  it("is told at once where there is nothing", () => {
    const { sequences, brief } = setUp();
    sequences.end(own);
    assert.deepEqual(brief(), ["own end"]);
  });

  it("is told once for each that was asked for, in order", () => {
    const { infer, sequences, brief } = setUp();
    const frames = [1, 2].map(() => {
      const frame = infer();
      sequences.end(own);
      return frame;
    });
    sequences.end(own);
    const told = frames.toReversed().map((frame) => {
      frame.done();
      return brief().length;
    });
    assert.deepEqual(
      [told, brief()],
      [
        [0, 3],
        ["own end", "own end", "own end"],
      ],
    );
  });

  it("is told when the frames before a reset are answered too", () => {
    const { infer, sequences, brief } = setUp();
    const first = infer();
    sequences.reset(own);
    const next = infer();
    sequences.end(own);
    next.done();
    const before = brief();
    first.done();
    assert.deepEqual([before, brief(), sequences.isHeld], [[], ["own end"], false]);
  });

  it("does not wait for the frames of another", () => {
    const { infer, sequences, brief } = setUp();
    infer(named({ sequence: "a" }));
    sequences.reset(named({ sequence: "a" }));
    infer().done();
    sequences.end(own);
    assert.deepEqual(brief(), ["own end"]);
  });

  it("is told as the client's where the sequence breaks before its last frame", () => {
    const { infer, sequences, brief, fake } = setUp();
    const [first, second] = [infer(), infer()];
    sequences.end(own);
    fake.break(first.seat, "lost");
    first.failed("sequence-lost");
    const before = brief();
    second.failed("sequence-lost");
    assert.deepEqual([before, brief(), sequences.isHeld], [[], ["own end"], false]);
  });

  it("is told where the first frame is refused", () => {
    const { infer, sequences, brief } = setUp();
    const first = infer();
    sequences.end(own);
    first.failed("overloaded");
    assert.deepEqual([brief(), sequences.isHeld], [["own end"], false]);
  });

  it("is told where the server had ended it, or a reset", () => {
    const { infer, sequences, brief, fake } = setUp();
    const first = infer();
    first.done();
    fake.break(first.seat, "idle");
    sequences.end(own);
    const next = infer();
    next.done();
    sequences.reset(own);
    sequences.end(own);
    assert.deepEqual(brief(), ["own idle", "own end", "own end"]);
  });
});

describe("A sequence that ends without its client's will", () => {
  const reasons: readonly (readonly [SeatEnd, RegExp])[] = [
    ...endReasons.map((reason) => [reason, /^Cannot run frame: its sequence has ended, /] as const),
    ["lost", /its sequence has ended, the host that kept it died; send reset to begin anew$/],
  ];
  for (const [reason, message] of reasons) {
    it(`is told, once, and takes no frames before a reset: ${reason}`, () => {
      const { infer, sequences, notices, fake } = setUp();
      const first = infer();
      fake.break(first.seat, reason);
      first.seat.options.onEnded(reason);
      first.failed("sequence-lost");
      assert.deepEqual(notices, [{ ...own, reason }]);
      for (let at = 0; at < 2; at += 1) {
        assert.throws(() => sequences.claim(own, undefined), { code: "sequence-lost", message });
      }
      sequences.reset(own);
      assert.deepEqual([infer().start, notices.length], [true, 1]);
    });
  }

  it("leaves the others on their way", () => {
    const { infer, fake } = setUp();
    const other = infer(named({ sequence: "a" }));
    fake.break(infer().seat, "lost");
    assert.equal(infer(named({ sequence: "a" })).seat, other.seat);
  });
});

describe("A piece of a signal that is refused", () => {
  it("ends its sequence, at the host too, until a reset", () => {
    const { infer, sequences, fake, notices } = setUp();
    const first = infer();
    sequences.noteGap(own);
    sequences.noteGap(own);
    assert.deepEqual([notices, fake.ended], [[{ ...own, reason: "failed" }], [first.seat]]);
    assert.throws(() => sequences.claim(own, undefined), { code: "sequence-lost" });
    sequences.reset(own);
    assert.equal(infer().start, true);
  });

  it("does so where it is the first", () => {
    const { infer, sequences, brief } = setUp();
    sequences.noteGap(own);
    sequences.noteGap(own);
    assert.throws(() => sequences.claim(own, undefined), { code: "sequence-lost" });
    sequences.reset(own);
    assert.deepEqual([brief(), infer().start], [["own failed"], true]);
  });

  it("leaves the other sequences alone", () => {
    const { infer, sequences } = setUp();
    const { seat } = infer();
    sequences.noteGap(named({ sequence: "a" }));
    assert.equal(infer().seat, seat);
  });
});

describe("The sequences of a socket", () => {
  const most = 1_024;
  const at = (number: number) => named({ sequence: String(number) });
  const isKnown = (sequences: SocketSequences, name: SlotName) => {
    try {
      return !sequences.claim(name, undefined).call.start;
    } catch {
      return true;
    }
  };

  it("are forgotten by their names when there are too many that have ended, the oldest first", () => {
    const { infer, sequences, fake } = setUp();
    const seats = Array.from({ length: most }, (_, number) => infer(at(number)).seat);
    for (const number of [7, 5]) fake.break(seats[number] as Seat, "idle");
    infer(at(most));
    infer(at(most + 1));
    assert.deepEqual(
      [4, 5, 6, 7, 8, most].map((number) => isKnown(sequences, at(number))),
      [true, false, true, false, true, true],
    );
  });

  it("are never forgotten while they are open", () => {
    const { infer, sequences } = setUp();
    for (let number = 0; number < most + 3; number += 1) infer(at(number));
    assert.deepEqual([infer(at(0)).start, sequences.isOpen(at(most + 2))], [false, true]);
  });

  it("are no more by names of which nothing but a refusal is known", () => {
    const { sequences } = setUp();
    for (let number = 0; number < most + 3; number += 1) sequences.noteGap(at(number));
    assert.deepEqual(
      [0, 2, 3, most + 2].map((number) => isKnown(sequences, at(number))),
      [false, false, true, true],
    );
  });

  it("are held while the server remembers something, and open while it may go on", () => {
    const { infer, sequences } = setUp();
    const states: boolean[][] = [];
    const note = () => states.push([sequences.isHeld, sequences.isOpen(own)]);
    note();
    const first = infer();
    note();
    sequences.reset(own);
    note();
    first.done();
    note();
    assert.deepEqual(states, [
      [false, false],
      [true, true],
      [true, false],
      [false, false],
    ]);
  });

  /** One at rest, one with a frame under way, one that was lost, and two that are being left. */
  const variety = () => {
    const parts = setUp();
    const { infer, sequences, fake, notices } = parts;
    const [rest, busy, lost, ending, resetting] = [
      "rest",
      "busy",
      "lost",
      "ending",
      "resetting",
    ].map((sequence) => infer(named({ sequence })));
    rest?.done();
    if (lost !== undefined) fake.break(lost.seat, "lost");
    sequences.end(named({ sequence: "ending" }));
    sequences.reset(named({ sequence: "resetting" }));
    notices.length = 0;
    const seats = [rest, busy, ending, resetting].map((one) => one?.seat);
    return { ...parts, seats, busy, ending, resetting };
  };

  it("are all ended when the server waits no longer, those with a notice that had gone on", () => {
    const { sequences, fake, brief, seats, infer } = variety();
    sequences.endAll();
    assert.deepEqual(brief(), ["rest stopping", "busy stopping"]);
    assert.deepEqual([new Set(fake.ended), fake.ended.length], [new Set(seats), 4]);
    assert.equal(sequences.isHeld, false);
    assert.equal(infer(named({ sequence: "busy" })).start, true);
  });

  it("are all ended when the socket is gone", () => {
    const { sequences, fake, brief, seats } = variety();
    sequences.forget();
    assert.deepEqual([brief(), new Set(fake.ended), fake.ended.length], [[], new Set(seats), 4]);
    assert.equal(sequences.isHeld, false);
  });

  it("are not told of again by frames that are answered afterwards", () => {
    const { sequences, brief, busy, ending, resetting } = variety();
    sequences.endAll();
    for (const frame of [busy, ending, resetting]) frame?.done();
    assert.deepEqual(brief(), ["rest stopping", "busy stopping"]);
  });
});
