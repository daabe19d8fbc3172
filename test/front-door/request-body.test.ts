import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { type Coding, codings } from "../../src/front-door/content-coding.ts";
import { declaredLength, readBody, readText } from "../../src/front-door/request-body.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import { joined, type Pieces } from "../../src/protocol/pieces.ts";

function headed(length?: string): IncomingMessage {
  return { headers: { "content-length": length } } as unknown as IncomingMessage;
}

/** What is read of a request whose body comes in these pieces. */
function read(chunks: readonly Buffer[], maxBytes = 1e6, roomBytes = Number.POSITIVE_INFINITY) {
  const request = Readable.from(chunks, { objectMode: false });
  const held: number[] = [];
  let calls = 0;
  return new Promise<{
    error: TroupeError | undefined;
    body: Buffer;
    held: readonly number[];
    calls: () => number;
  }>((resolve) => {
    const onBytes = (bytes: number) => {
      held.push(bytes);
      return bytes > roomBytes ? new TroupeError("overloaded", "full") : undefined;
    };
    readBody(request as IncomingMessage, { maxBytes, onBytes }, (error, body) => {
      calls += 1;
      resolve({ error, body: joined(body), held, calls: () => calls });
    });
  });
}

/** The same, packed. */
function readPacked(chunks: readonly Buffer[], coding: Coding, maxBytes = 1e6) {
  const request = Object.assign(Readable.from(chunks, { objectMode: false }), { complete: true });
  const held: number[] = [];
  let calls = 0;
  return new Promise<{
    error: TroupeError | undefined;
    body: Buffer;
    held: readonly number[];
    calls: () => number;
  }>((resolve) => {
    const onBytes = (bytes: number) => {
      held.push(bytes);
      return undefined;
    };
    const onBody = (error: TroupeError | undefined, body: Pieces) => {
      calls += 1;
      resolve({ error, body: joined(body), held, calls: () => calls });
    };
    const form = { coding, prefix: Buffer.from("<") };
    readBody(request as unknown as IncomingMessage, { maxBytes, onBytes }, onBody, form);
  });
}

function pieces(count: number, bytes: number): readonly Buffer[] {
  return Array.from({ length: count }, () => Buffer.alloc(bytes, "x"));
}

describe("declaredLength", () => {
  it("is what the head declares", () => assert.equal(declaredLength(headed("12"), 12), 12));

  it("is nothing where the head declares nothing", () =>
    assert.equal(declaredLength(headed(), 12), 0));

  it("refuses one byte more than the limit", () =>
    assert.throws(() => declaredLength(headed("13"), 12), {
      code: "payload-too-large",
      message: "body must be at most 12 bytes, got 13",
    }));
});

describe("readBody", () => {
  it("refuses a body for which there is no room any more, once", async () => {
    const { error, held, calls } = await read(pieces(4, 20), 1e6, 30);
    await new Promise(setImmediate);
    assert.deepEqual([error?.code, held, calls()], ["overloaded", [20, 40], 1]);
  });

  it("gives the body as one buffer", async () => {
    const { error, body } = await read([Buffer.from("ab"), Buffer.from("c")]);
    assert.deepEqual([error, String(body)], [undefined, "abc"]);
  });

  it("copies nothing of a body that came in one piece", async () => {
    const piece = Buffer.from("abc");
    assert.equal((await read([piece])).body.buffer, piece.buffer);
  });

  it("gives an empty body", async () => {
    const { error, body } = await read([]);
    assert.deepEqual([error, body.length], [undefined, 0]);
  });

  it("tells how much it holds as it comes", async () => {
    assert.deepEqual((await read(pieces(3, 4))).held, [4, 8, 12]);
  });

  it("takes a body at the limit", async () => {
    const { error, body } = await read(pieces(2, 5), 10);
    assert.deepEqual([error, body.length], [undefined, 10]);
  });

  it("refuses a body of one byte more", async () => {
    const { error } = await read([...pieces(2, 5), Buffer.from("x")], 10);
    assert.equal(error?.code, "payload-too-large");
  });

  it("calls back once, whatever else comes after a refusal", async () => {
    const { calls } = await read(pieces(100, 5), 10);
    await new Promise(setImmediate);
    assert.equal(calls(), 1);
  });

  const crumbs: readonly (readonly [string, number, number, string | undefined])[] = [
    ["takes 4096 crumbs", 4_096, 1, undefined],
    ["refuses one crumb more", 4_097, 1, "invalid-request"],
    ["refuses many pieces of under 256 bytes", 5_000, 255, "invalid-request"],
    ["takes as many pieces of 256 bytes", 5_000, 256, undefined],
  ];
  for (const [name, count, bytes, code] of crumbs) {
    it(name, async () => {
      const { error } = await read(pieces(count, bytes), 1e7);
      assert.equal(error?.code, code);
    });
  }
});

describe("readBody of a packed body", () => {
  const packers = { gzip: gzipSync, deflate: deflateSync };
  for (const coding of codings) {
    const packed = packers[coding];

    it(`unpacks it behind its prefix: ${coding}`, async () => {
      const { error, body } = await readPacked([packed("abc")], coding);
      assert.deepEqual([error, String(body)], [undefined, "<abc"]);
    });

    it(`unpacks it however it is cut: ${coding}`, async () => {
      const bytes = packed("abc".repeat(99));
      const crumbs = [...bytes].map((byte) => Buffer.of(byte));
      assert.equal(String((await readPacked(crumbs, coding)).body), `<${"abc".repeat(99)}`);
    });

    it(`takes one at the limit and refuses one of a byte more: ${coding}`, async () => {
      const most = 100_000;
      const whole = await readPacked([packed(Buffer.alloc(most))], coding, most);
      const more = await readPacked([packed(Buffer.alloc(most + 1))], coding, most);
      assert.deepEqual([whole.error, whole.body.length], [undefined, most + 1]);
      assert.equal(more.error?.code, "payload-too-large");
    });

    it(`stops unpacking at the limit: ${coding}`, async () => {
      const bomb = await readPacked([packed(Buffer.alloc(50_000_000))], coding, 100_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual([bomb.error?.code, bomb.calls()], ["payload-too-large", 1]);
      assert.ok((bomb.held.at(-1) ?? 0) < 300_000);
    });

    const broken: readonly (readonly [string, Buffer])[] = [
      ["nothing", Buffer.alloc(0)],
      ["other bytes", Buffer.from("plain text")],
      ["one cut short", packed("abc".repeat(99)).subarray(0, -6)],
      [
        "one with another checksum",
        Buffer.concat([packed("abc").subarray(0, -8), Buffer.alloc(8)]),
      ],
    ];
    for (const [name, bytes] of broken) {
      it(`refuses ${name} for ${coding}, once`, async () => {
        const { error, calls } = await readPacked(bytes.length === 0 ? [] : [bytes], coding);
        await new Promise(setImmediate);
        assert.deepEqual([error?.code, calls()], ["invalid-request", 1]);
        assert.match(
          error?.message ?? "",
          new RegExp(`^body must be ${coding} as its content-encoding`),
        );
      });
    }
  }

  it("refuses crumbs as those of a plain one", async () => {
    const crumbs = Array.from({ length: 5_000 }, () => gzipSync(""));
    const { error } = await readPacked(crumbs, "gzip");
    assert.match(error?.message ?? "", /chunks of under 256 bytes/);
  });
});

describe("readText", () => {
  const readOf = (...chunks: readonly Buffer[]) =>
    readText(Readable.from(chunks, { objectMode: false }) as IncomingMessage, 4);
  const euro = Buffer.from("€");

  it("joins what comes in pieces", async () => {
    assert.equal(await readOf(euro.subarray(0, 1), euro.subarray(1), Buffer.from("x")), "€x");
  });

  it("refuses what is no UTF-8", async () => {
    await assert.rejects(readOf(euro.subarray(0, 2)), { code: "invalid-request" });
  });

  it("refuses one byte more than the limit", async () => {
    await assert.rejects(readOf(Buffer.from("12345")), { code: "payload-too-large" });
  });

  it("fails when the caller leaves", async () => {
    const request = new Readable({ read: () => undefined });
    const text = readText(request as IncomingMessage, 4);
    request.destroy(new Error("aborted"));
    await assert.rejects(text, { code: "cancelled" });
  });
});
