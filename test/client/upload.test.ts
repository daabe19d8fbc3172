import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { TroupeClient } from "../../src/client/node.ts";
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

describe("an upload in Node", () => {
  it("leaves no connection behind when its file cannot be read to its end", async () => {
    const server = createServer((request) => request.resume());
    const closed = once(server, "connection").then(([socket]) => once(socket as Socket, "close"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const folder = mkdtempSync("/tmp/trt-upload-");
    const file = join(folder, "m.onnx");
    writeFileSync(file, new Uint8Array(3_000_000));
    const content = await openAsBlob(file);
    writeFileSync(file, "shorter");
    try {
      const { port } = server.address() as AddressInfo;
      const client = new TroupeClient(`http://127.0.0.1:${port}`);
      const upload = { id: "m", files: [{ name: "m.onnx", content }] };
      await assert.rejects(client.upload(upload), { code: "unreachable" });
      await closed;
    } finally {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true });
    }
  });
});
