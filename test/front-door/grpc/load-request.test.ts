import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encode } from "../../../src/front-door/grpc/definitions.ts";
import {
  type LoadRequest,
  readLoadOf,
  readLoadRequest,
} from "../../../src/front-door/grpc/load-request.ts";
import { loadProto } from "../../../src/front-door/grpc/proto-files.ts";

const type = loadProto("inference.proto").lookupType("inference.RepositoryModelLoadRequest");
const key = "file:1/model.onnx";

function message(parameters: object, more: object = {}): Buffer {
  return encode(type, { model_name: "m", parameters, ...more });
}

/** What a load takes of the request, and the files as they came. */
async function taken(request: LoadRequest, maxUploadBytes = 1_000_000) {
  const files: (readonly [string, Buffer, number])[] = [];
  const fields = await readLoadOf(
    request,
    maxUploadBytes,
  )(async (name, content) => {
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(piece);
    files.push([name, Buffer.concat(pieces), pieces.length]);
  });
  return { fields, files };
}

describe("A RepositoryModelLoadRequest", () => {
  it("has its model, its repository and what it says beside files", async () => {
    const parameters = {
      config: { string_param: "{}" },
      flag: { bool_param: true },
      n: { int64_param: -5 },
    };
    const request = readLoadRequest(message(parameters, { repository_name: "r" }));
    assert.deepEqual([request.model, request.repository], ["m", "r"]);
    assert.deepEqual(await taken(request), {
      fields: { parameters: { config: "{}", flag: true, n: -5 } },
      files: [],
    });
  });

  it("hands its files on in pieces, and leaves their numbers in their places", async () => {
    const large = Buffer.alloc(150_000, 7);
    const parameters = {
      [key]: { bytes_param: large },
      config: { string_param: "{}" },
      "file:1/w": { bytes_param: Buffer.from("w") },
    };
    const { fields, files } = await taken(readLoadRequest(message(parameters)));
    assert.deepEqual(fields, { parameters: { config: "{}", [key]: "0", "file:1/w": "1" } });
    assert.deepEqual(files, [
      [key, large, 3],
      ["file:1/w", Buffer.from("w"), 1],
    ]);
  });

  it("is refused where a file is no bytes, or files are more than an upload may be", async () => {
    const text = readLoadRequest(message({ [key]: { string_param: "YQ==" } }));
    await assert.rejects(taken(text), { code: "invalid-request", message: /bytes_param/ });
    const long = readLoadRequest(message({ [key]: { bytes_param: Buffer.alloc(11) } }));
    await assert.rejects(taken(long, 10), { code: "payload-too-large" });
  });

  it("is refused where it is long beside its files, or no such message", () => {
    const long = { config: { string_param: "x".repeat(270_000) } };
    assert.throws(() => readLoadRequest(message(long)), { code: "payload-too-large" });
    const many = Buffer.concat(Array(10_000).fill(Buffer.of(0x20, 1)));
    assert.throws(() => readLoadRequest(many), { code: "payload-too-large" });
    assert.throws(() => readLoadRequest(Buffer.of(0x0f)), { code: "invalid-request" });
  });
});
