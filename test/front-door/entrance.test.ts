import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplicaLoad } from "../../src/front-door/admission.ts";
import type { Ask } from "../../src/front-door/entrance.ts";
import type { HostLink } from "../../src/front-door/host-link.ts";
import type { TroupeError } from "../../src/protocol/errors.ts";
import { frameOf, newSeat } from "./calls.ts";
import { doorParts } from "./door-parts.ts";
import { model, version } from "./views.ts";

const readyVersion = version({ version: "2", metadata: null });

function setUp(...[settings]: Parameters<typeof doorParts>) {
  const parts = doorParts(settings);
  parts.directory.update(
    model({
      name: "iris",
      requestMs: 5_000,
      versions: [
        version({ version: "1", state: "unavailable", reason: "/secret/path broke" }),
        readyVersion,
        version({ version: "3", state: "recovering", backAt: 1_700, reason: "it is restarted" }),
      ],
    }),
  );
  const admit = (fields: Partial<Ask> = {}) =>
    parts.entrance.admit({
      model: "iris",
      version: undefined,
      bytes: 10,
      timeoutMs: null,
      priority: "normal",
      draining: false,
      ...fields,
    });
  /** What the caller gets instead. */
  const refusal = (fields: Partial<Ask>) => {
    try {
      admit(fields);
      return undefined;
    } catch (thrown) {
      const { code, message, retryAfterMs } = thrown as TroupeError;
      return { code, message, retryAfterMs };
    }
  };
  return { ...parts, admit, refusal };
}

describe("Entrance", () => {
  it("finds the model and holds a permit, until the deadline that is due", () => {
    const { admit, permits } = setUp();
    const { target, deadlineAt, permit } = admit();
    assert.deepEqual(
      [target.model.name, target.version, deadlineAt],
      ["iris", readyVersion, 6_000],
    );
    const before = [permits.requests, permits.bytes];
    permit.release();
    assert.deepEqual([before, permits.requests, permits.bytes], [[1, 10], 0, 0]);
  });

  it("takes the caller's timeout before the model's", () =>
    assert.equal(setUp().admit({ timeoutMs: 50 }).deadlineAt, 1_050));

  it("admits to a version that will be back in time, and to no other", () => {
    const { admit, refusal } = setUp();
    assert.equal(admit({ version: "3", timeoutMs: 701 }).target.version.version, "3");
    assert.deepEqual(refusal({ version: "3", timeoutMs: 700 }), {
      code: "model-unavailable",
      message: "Cannot take request: it is restarted",
      retryAfterMs: 700,
    });
  });

  it("says of a model that cannot be served only that, and where the reason stands", () =>
    assert.deepEqual(setUp().refusal({ version: "1" }), {
      code: "model-unavailable",
      message:
        "Cannot take request: version '1' of model 'iris' cannot be served: GET /models/iris says why; POST /models/iris/load?version=1 tries it again",
      retryAfterMs: 30_000,
    }));

  it("says of a version that is not loaded how to load it", () => {
    const { directory, refusal } = setUp();
    directory.update(model({ name: "iris", versions: [version({ state: "unloaded" })] }));
    assert.deepEqual(refusal({}), {
      code: "model-unavailable",
      message:
        "Cannot take request: version '1' of model 'iris' is not loaded; POST /models/iris/load loads it",
      retryAfterMs: 30_000,
    });
  });

  it("lets sequences go on at a version that drains while their host is there", () => {
    const { admit, directory, refusal } = setUp();
    directory.update(model({ name: "iris", versions: [version({ state: "draining" })] }));
    const [seat, dead, unknown] = [newSeat(), newSeat(), newSeat()];
    seat.link = { isAlive: true } as HostLink;
    dead.link = { isAlive: false } as HostLink;
    assert.equal(admit({ sequence: frameOf(seat) }).target.version.version, "1");
    for (const sequence of [
      frameOf(seat, { start: true }),
      frameOf(dead),
      frameOf(unknown),
      null,
    ]) {
      const refused = refusal({ sequence });
      assert.equal(refused?.message, "Cannot take request: it is being drained");
    }
  });

  it("counts what it sheds, and takes no permit for it", () => {
    const { refusal, permits, metrics } = setUp({ maxInFlight: 1 });
    permits.take(1);
    const failure = refusal({});
    assert.equal(failure?.code, "overloaded");
    assert.equal(permits.requests, 1);
    assert.equal(metrics.shed("iris", "in-flight").value, 1);
    assert.equal(metrics.model("iris", "2").predictions("overloaded").value, 1);
  });

  it("counts nothing of models that are not there", async () => {
    const { refusal, metrics } = setUp();
    const before = await metrics.registry.metrics();
    for (let at = 0; at < 10; at += 1) {
      assert.equal(refusal({ model: `guess-${at}` })?.code, "model-not-found");
      assert.equal(refusal({ version: `${at + 10}` })?.code, "model-not-found");
    }
    assert.equal(await metrics.registry.metrics(), before);
  });

  it("refuses a body without a declared length when it outgrows the room there is", () => {
    const { admit, entrance, permits, metrics } = setUp({ maxInFlightBytes: 100 });
    const [one, two] = [admit({ bytes: 60 }), admit({ bytes: 0 })];
    const verdicts = [40, 41].map((bytes) => entrance.grow(two.permit, bytes, "iris"));
    assert.deepEqual(
      verdicts.map((error) => error && [error.code, error.message]),
      [undefined, ["overloaded", "Cannot take request: 101 of 100 bytes are in flight"]],
    );
    assert.deepEqual([permits.bytes, metrics.shed("iris", "bytes").value], [101, 1]);
    assert.equal(entrance.grow(one.permit, 60), undefined, "what was declared has its room");
  });

  it("gives a body that names its model room before it is read", () => {
    const { admit, entrance, permits, metrics } = setUp({ maxInFlight: 1 });
    const wishes = { bytes: 5, timeoutMs: null, priority: "normal" } as const;
    const room = entrance.enter(wishes);
    assert.ok(room.type === "room");
    assert.deepEqual([permits.requests, permits.bytes], [1, 5]);
    const refused = entrance.enter(wishes);
    assert.equal(refused.type === "refused" && refused.failure.code, "overloaded");
    assert.equal(metrics.shed("", "in-flight").value, 1);
    assert.equal(admit({ bytes: 5, room }).permit, room.permit);
    room.permit.release();
    assert.deepEqual([permits.requests, permits.bytes], [0, 0]);
  });

  it("lets a body that is alone grow as it likes", () => {
    const { admit, entrance } = setUp({ maxInFlightBytes: 100 });
    assert.equal(entrance.grow(admit({ bytes: 0 }).permit, 5_000), undefined);
  });

  /** Its host keeps as many sequences as it may. */
  const full: ReplicaLoad = {
    outstandingRequests: 0,
    outstandingBytes: 0,
    reportedRows: 0,
    rowCostMs: 0,
    batchCostMs: 0,
    rowsPerRequest: 1,
    sequences: 100,
    breaker: "closed",
    breakerRetryMs: 0,
  };

  it("sheds what begins a sequence where no host keeps one more, and counts it", () => {
    const { refusal, fake, metrics, permits } = setUp();
    fake.replicas = [full];
    assert.deepEqual(refusal({ sequence: frameOf(newSeat(), { start: true }) }), {
      code: "overloaded",
      message: "Cannot take request: its hosts keep 100 sequences each, and can keep no more",
      retryAfterMs: 1_000,
    });
    assert.deepEqual([metrics.shed("iris", "sequences").value, permits.requests], [1, 0]);
  });

  for (const [what, sequence] of [
    ["what goes on with a sequence", frameOf(newSeat())],
    ["what stands for itself", null],
  ] as const) {
    it(`admits ${what} there`, () => {
      const { admit, fake } = setUp();
      fake.replicas = [full];
      assert.equal(admit({ sequence }).target.version, readyVersion);
    });
  }

  it("judges a frame of a sequence by the host that keeps it", () => {
    const { admit, fake } = setUp();
    const sequence = frameOf(newSeat());
    admit({ sequence });
    assert.deepEqual(fake.askedFor, ["iris", "2", sequence.seat]);
  });

  it("refuses while the connection drains", () =>
    assert.equal(setUp().refusal({ draining: true })?.code, "draining"));
});
