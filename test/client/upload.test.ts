import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formOf } from "../../src/client/upload.ts";

describe("formOf", () => {
  it("names the model before its files, and leaves out what is not given", async () => {
    const files = [{ name: 'a"b.onnx', content: new Uint8Array([65, 66]) }];
    const { type, body } = formOf({ id: "flowers", version: undefined, files }, "line");
    assert.equal(type, "multipart/form-data; boundary=line");
    assert.equal(
      await body.text(),
      [
        "--line",
        'content-disposition: form-data; name="id"',
        "",
        "flowers",
        "--line",
        'content-disposition: form-data; name="file"; filename="a%22b.onnx"',
        "",
        "AB",
        "--line--",
        "",
      ].join("\r\n"),
    );
  });
});
