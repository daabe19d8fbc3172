import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readLoadBody } from "../../src/front-door/load-body.ts";

interface Read {
  readonly left: string;
  readonly files: readonly (readonly [string, string])[];
}

async function* pieces(text: string, size: number): AsyncGenerator<Buffer, void, undefined> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 1, maxBytes = 1_000): Promise<Read> {
  const files: [string, string][] = [];
  const onFile = async (key: string, content: AsyncIterable<Buffer>) => {
    const parts: Buffer[] = [];
    for await (const part of content) parts.push(part);
    files.push([key, Buffer.concat(parts).toString()]);
  };
  return { left: await readLoadBody(pieces(text, size), onFile, maxBytes), files };
}

const long = "a model, or what passes for one: ".repeat(100);
const base64 = Buffer.from(long).toString("base64");
const key = "file:1/model.onnx";

describe("The body of a load", () => {
  for (const size of [1, 3, 64, 100_000]) {
    it(`has its files taken out, in pieces of ${size}`, async () => {
      const body = { parameters: { [key]: base64, config: '{"a":"\\"b"}', "file:1/w": "YQ==" } };
      const { left, files } = await read(JSON.stringify(body, null, 2), size);
      assert.deepEqual(JSON.parse(left), {
        parameters: { ...body.parameters, [key]: "0", "file:1/w": "1" },
      });
      assert.deepEqual(files, [
        [key, long],
        ["file:1/w", "a"],
      ]);
    });

    it(`may have escapes in base64 and in keys, in pieces of ${size}`, async () => {
      const { files } = await read('{"f\\u0069le:1/x" : "\\/\\u002B8\\u003d"}', size);
      assert.deepEqual(files, [["file:1/x", Buffer.from("/+8=", "base64").toString()]]);
    });
  }

  it("is left whole where nothing of it is a file", async () => {
    for (const text of ["", "{}", '{"a":["file:1/x","file:"],"file:1":3}', "é", "no json"]) {
      assert.deepEqual(await read(text), { left: text, files: [] });
    }
  });

  it("is refused where a file is no base64, or the body ends in it", async () => {
    for (const text of ['"a"', '"YQ=x"', '"YQ', '"YQ==', '"\\"', '"\\n123"']) {
      await assert.rejects(read(`{"${key}":${text}`), { code: "invalid-request" }, text);
    }
  });

  it("has a bound for what is no file", async () => {
    const body = JSON.stringify({ config: "x".repeat(100), [key]: base64 });
    await assert.rejects(read(body, 10, 99), { code: "payload-too-large" });
    assert.equal((await read(body, 10, 200)).files.length, 1);
  });
});
