import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseListeningInodes } from "../../bench/listeners.ts";

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 20 4 30 10 -1
   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
`;

describe("parseListeningInodes", () => {
  it("finds the sockets that listen on the port, and no connection of it", () => {
    assert.deepEqual(parseListeningInodes(table, 8080), ["111"]);
  });

  it("knows ports of fewer digits", () => {
    assert.deepEqual(parseListeningInodes(table, 80), ["333"]);
  });

  it("finds none where nobody listens", () => {
    assert.deepEqual(parseListeningInodes(table, 8081), []);
  });
});
