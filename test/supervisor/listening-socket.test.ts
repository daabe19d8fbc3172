import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { describe, it } from "node:test";
import { type Binding, bind } from "../../supervisor/listening-socket.ts";

function bound(binding: Binding): Extract<Binding, { type: "bound" }> {
  if (binding.type === "refused") throw new Error(binding.reason);
  return binding;
}

describe("bind", () => {
  for (const host of ["127.0.0.1", "localhost", "0.0.0.0"]) {
    it(`finds a free port of ${host}, and its handle can be listened on`, async () => {
      const { handle, port } = bound(await bind(host, 0));
      const server = createServer((socket) => socket.end("hello"));
      server.listen(handle as object);
      await once(server, "listening");
      const [words] = await once(createConnection(port, host), "data");
      assert.equal(String(words), "hello");
      server.close();
      await once(server, "close");
    });
  }

  it("takes the port that it is told", async () => {
    const free = bound(await bind("127.0.0.1", 0));
    free.close();
    const taken = bound(await bind("127.0.0.1", free.port));
    taken.close();
    assert.equal(taken.port, free.port);
  });

  it("refuses a port in use, with its number", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const binding = await bind("127.0.0.1", port);
    server.close();
    const reason = `port ${port} of 127.0.0.1 is in use`;
    assert.deepEqual(binding, { type: "refused", reason });
  });

  it("refuses an address that nobody knows", async () =>
    assert.deepEqual(await bind("no-such-host.invalid", 0), {
      type: "refused",
      reason: "the address no-such-host.invalid is not known",
    }));

  it("refuses an address of another machine", async () =>
    assert.deepEqual(await bind("192.0.2.1", 8_080), {
      type: "refused",
      reason: "port 8080 of 192.0.2.1 cannot be bound (EADDRNOTAVAIL)",
    }));
});
