import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formOf, type Upload } from "../../src/client/upload.ts";

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

  it("refuses files that are none, rather than send words about them", () => {
    const content = new Uint8Array([65]);
    for (const files of [
      { "model.onnx": content },
      [{ name: "m.onnx", data: content }],
      [content],
    ]) {
      const upload = { id: "flowers", files } as unknown as Upload;
      assert.throws(() => formOf(upload, "line"), {
        code: "invalid-request",
        message: /^files must/,
      });
    }
  });
});
