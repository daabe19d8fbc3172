import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SeatEnd } from "../../src/front-door/seat.ts";
import {
  type SequenceNotice,
  type SlotName,
  SocketSequences,
} from "../../src/front-door/socket-sequences.ts";
import { endReasons } from "../../src/protocol/sequences.ts";
import { newCall } from "./calls.ts";
import { FakeDispatcher } from "./fake-dispatcher.ts";

function named(fields: Partial<SlotName> = {}): SlotName {
  return { model: "m", version: undefined, sequence: undefined, ...fields };
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
  const infer = (name = own, version = "1") => {
    const claim = sequences.claim(name);
    sequences.taken(claim, version);
    const call = newCall({
      sequence: claim.call,
      onDone: () => sequences.settled(claim, false),
      onFailed: ({ code }) => sequences.settled(claim, code === "overloaded"),
    });
    fake.submit(call);
    return {
      ...claim.call,
      version: claim.version,
      done: () => fake.done(call),
      failed: (code: "overloaded" | "invalid-request" | "sequence-lost") => fake.failed(call, code),
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
    assert.deepEqual(options, { model: "m", isShared: false, isSuspect: false });
    assert.match(key, /^\d+\.\d+$/);
  });

  it("has a key that no other sequence has, on this socket or another", () => {
    const sockets = [setUp(), setUp()];
    const seats = sockets.flatMap(({ infer }) => [infer(), infer(named({ sequence: "a" }))]);
    assert.equal(new Set(seats.map(({ seat }) => seat.options.key)).size, 4);
  });

  it("changes nothing before it is taken", () => {
    const { sequences, infer } = setUp();
    sequences.claim(own);
    const claim = sequences.claim(own);
    assert.deepEqual(
      [claim.call.start, sequences.isHeld, sequences.isOpen(own)],
      [true, false, false],
    );
    assert.throws(() => sequences.reset(own), { code: "invalid-request" });
    assert.equal(infer().start, true);
  });

  it("goes on with the version that has begun", () => {
    const { infer, sequences } = setUp();
    const first = infer(own, "7");
    const second = infer(own, "8");
    sequences.reset(own);
    const third = infer(own, "8");
    assert.deepEqual([first.version, second.version, third.version], [undefined, "7", undefined]);
    assert.equal(infer().version, "8");
  });

  const names: readonly SlotName[] = [
    own,
    named({ sequence: "a" }),
    named({ sequence: "b" }),
    named({ sequence: "null" }),
    named({ version: "1" }),
    named({ version: "1", sequence: "a" }),
    named({ model: "n" }),
    named({ model: "n", sequence: "a" }),
  ];
  it("belongs to the sequence of its model, version and name, and to no other", () => {
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

  it("that is refused for what it holds was its host's to refuse, which keeps the sequence", () => {
    const { infer, fake } = setUp();
    const first = infer();
    first.failed("invalid-request");
    const next = infer();
    assert.deepEqual([next.seat, next.start, fake.ended], [first.seat, false, []]);
  });

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

  for (const [name, message] of [
    [own, "no sequence of model 'm' on this socket"],
    [named({ sequence: "a" }), "no sequence 'a' of model 'm' on this socket"],
  ] as const) {
    it(`is refused where there is ${message}`, () => {
      const { sequences } = setUp();
      for (const act of ["reset", "end"] as const) {
        assert.throws(() => sequences[act](name), { code: "invalid-request", message });
      }
    });
  }
});

describe("The end of a sequence", () => {
  it("is told when the last frame is answered", () => {
    const { infer, sequences, fake, notices } = setUp();
    const name = named({ sequence: "a", version: "2" });
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
    assert.throws(() => sequences.end(own), { code: "invalid-request" });
    assert.throws(() => sequences.reset(own), { code: "invalid-request" });
    const next = infer();
    assert.deepEqual([next.start, next.seat === first.seat], [true, false]);
  });

  it("is told once for each that was asked for", () => {
    const { infer, sequences, brief } = setUp();
    const first = infer();
    sequences.end(own);
    const next = infer();
    sequences.end(own);
    next.done();
    const before = brief();
    first.done();
    assert.deepEqual([before, brief()], [["own end"], ["own end", "own end"]]);
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
        assert.throws(() => sequences.claim(own), { code: "sequence-lost", message });
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

  for (const isStruck of [true, false]) {
    it(`is ${isStruck ? "" : "no "}suspect ${isStruck ? "" : "un"}less the model died of it`, () => {
      const { infer, sequences, fake } = setUp();
      const first = infer();
      first.seat.isStruck = isStruck;
      fake.break(first.seat, "lost");
      sequences.reset(own);
      assert.equal(infer().seat.options.isSuspect, isStruck);
    });
  }

  it("is no suspect any more when the next one ended otherwise", () => {
    const { infer, sequences, fake } = setUp();
    for (const isStruck of [true, false]) {
      const { seat } = infer();
      seat.isStruck = isStruck;
      fake.break(seat, "lost");
      sequences.reset(own);
    }
    assert.equal(infer().seat.options.isSuspect, false);
  });
});

describe("The sequences of a socket", () => {
  const most = 1_024;
  const fill = () => {
    const parts = setUp();
    for (let at = 0; at < most; at += 1) parts.infer(named({ sequence: `${at}` })).done();
    return parts;
  };
  const message = "Cannot begin sequence: this socket has 1024 of 1024";

  it("are so many, and no more", () => {
    const { sequences, infer } = fill();
    assert.throws(() => sequences.claim(own), { code: "overloaded", message });
    assert.equal(infer(named({ sequence: "0" })).start, false);
  });

  it("count while they wait for a reset", () => {
    const { sequences, fake, infer } = fill();
    fake.break(infer(named({ sequence: "0" })).seat, "idle");
    assert.throws(() => sequences.claim(own), { code: "overloaded" });
  });

  it("have room for one more when one is ended", () => {
    const { sequences, infer } = fill();
    sequences.end(named({ sequence: "0" }));
    assert.equal(infer().start, true);
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
    assert.deepEqual(brief(), ["rest draining", "busy draining"]);
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
    assert.deepEqual(brief(), ["rest draining", "busy draining"]);
  });
});
