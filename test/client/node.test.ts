import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { TroupeClient } from "../../src/client/node.ts";
import { waitFor } from "../cluster/wait.ts";

/** Takes connections and all that comes, and says nothing. */
const silent = createServer((socket) => {
  connections.push(socket);
  socket.on("error", () => undefined).resume();
});
const connections: Socket[] = [];
await new Promise<void>((listens) => silent.listen(0, "127.0.0.1", listens));
const client = new TroupeClient(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);

const folder = mkdtempSync("/tmp/trt-node-");
after(() => {
  silent.close();
  for (const socket of connections) socket.destroy();
  rmSync(folder, { recursive: true });
});

function allClosed(): Promise<unknown> {
  return waitFor(() => connections.every(({ closed }) => closed), "the connections to be closed");
}

describe("the client in Node, of a server that says nothing", () => {
  it("ends its events with the signal, and leaves no connection", async () => {
    const before = connections.length;
    const over = new AbortController();
    const next = client.events({ signal: over.signal }).next();
    await waitFor(() => connections.length > before, "the attempt");
    over.abort();
    assert.equal((await next).done, true);
    await allClosed();
  });

  it("tells of an upload piece by piece, and ends it with the signal", async () => {
    const over = new AbortController();
    const sent: number[] = [];
    const onProgress = ({ sentBytes }: { readonly sentBytes: number }) => {
      sent.push(sentBytes);
      // The form's head goes before it.
      if (sentBytes > 1_000) over.abort();
    };
    const files = [{ name: "a.onnx", content: new Uint8Array(100_000_000) }];
    const upload = client.upload({ id: "a", files }, { signal: over.signal, onProgress });
    await assert.rejects(upload, { code: "cancelled" });
    assert.ok(Math.max(...sent) < 50_000_000, String(sent));
    await allClosed();
  });

  it("leaves no connection where a file cannot be read any more", async () => {
    const file = join(folder, "a.onnx");
    writeFileSync(file, "a model");
    const content = await openAsBlob(file);
    appendFileSync(file, ", changed");
    const upload = client.upload({ id: "a", files: [{ name: "a.onnx", content }] });
    await assert.rejects(upload, { code: "unreachable" });
    await allClosed();
  });
});
