import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gunzipSync, inflateSync } from "node:zlib";
import {
  answerCoding,
  type Coding,
  codingOf,
  codings,
  pack,
} from "../../src/front-door/content-coding.ts";

describe("codingOf", () => {
  for (const [header, coding] of [
    [undefined, null],
    ["", null],
    ["identity", null],
    ["gzip", "gzip"],
    [" GZIP ", "gzip"],
    ["x-gzip", "gzip"],
    ["deflate", "deflate"],
  ] as const) {
    it(`reads ${header}`, () => assert.equal(codingOf(header), coding));
  }

  for (const header of ["br", "zstd", "gzip, gzip", "gzip;q=1"]) {
    it(`refuses ${header}`, () =>
      assert.throws(() => codingOf(header), {
        code: "unsupported-media-type",
        message: `content-encoding must be one of gzip, deflate, identity, got '${header}'`,
      }));
  }
});

describe("answerCoding", () => {
  const rows: readonly (readonly [string | undefined, Coding | null])[] = [
    [undefined, null],
    ["", null],
    ["identity", null],
    ["br", null],
    ["gzip", "gzip"],
    ["deflate", "deflate"],
    ["deflate, gzip", "gzip"],
    ["gzip;q=0.5, deflate;q=0.8", "deflate"],
    ["gzip; q=0", null],
    ["gzip;q=0, deflate", "deflate"],
    ["*", "gzip"],
    ["*;q=0", null],
    ["gzip;q=0, *", "deflate"],
    ["identity, gzip;q=0.5", null],
    ["identity;q=0.5, gzip", "gzip"],
    ["gzip;q=high", null],
    ["GZIP", "gzip"],
    ["br, gzip;q=0.9, *;q=0.1", "gzip"],
  ];
  for (const [accepted, coding] of rows) {
    it(`is ${coding} for ${accepted}`, () => assert.equal(answerCoding(accepted, 10_000), coding));
  }

  it("is none for what is small", () => {
    assert.deepEqual([answerCoding("gzip", 2_047), answerCoding("gzip", 2_048)], [null, "gzip"]);
  });
});

describe("pack", () => {
  const packed = (coding: Coding, body: Buffer) =>
    new Promise<Buffer | undefined>((resolve) => pack(coding, body, resolve));

  it("packs in the coding that was chosen", async () => {
    const body = Buffer.alloc(5_000, "abc");
    const unpack = { gzip: gunzipSync, deflate: inflateSync };
    for (const coding of codings) {
      const bytes = await packed(coding, body);
      assert.ok(bytes !== undefined && bytes.length < body.length);
      assert.deepEqual(unpack[coding](bytes), body);
    }
  });

  it("gives nothing where that would be longer", async () => {
    assert.equal(await packed("gzip", Buffer.from("abc")), undefined);
  });
});
