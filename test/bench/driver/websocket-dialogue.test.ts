import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Heard } from "../../../bench/driver/dialogue.ts";
import { framesOf, WebSocketDialogue } from "../../../bench/driver/websocket-dialogue.ts";

/** The key of RFC 6455, section 1.3, and what a server makes of it. */
const key = "dGhlIHNhbXBsZSBub25jZQ==";
const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const handshake = `HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;

/** Of less than 126 bytes. */
function frame(opcode: number, payload: string): Buffer {
  return Buffer.concat([Buffer.of(0x80 | opcode, payload.length), Buffer.from(payload)]);
}

function dialogue(): WebSocketDialogue {
  return new WebSocketDialogue({ port: 1, path: "/ws" }, [Buffer.from("request")], key);
}

function upgraded(one = dialogue()): WebSocketDialogue {
  one.hear(Buffer.from(handshake));
  return one;
}

const answer = (status: number, lane = 0): Heard => ({ type: "answer", lane, status });

/** The text of a short frame that a client has masked. */
function unmask(bytes: Buffer): string {
  const mask = bytes.subarray(2, 6);
  return Buffer.from(bytes.subarray(6).map((byte, at) => byte ^ (mask[at % 4] ?? 0))).toString();
}

describe("WebSocketDialogue", () => {
  it("greets with its key, and another each time where none is given", () => {
    assert.match(
      dialogue().greeting.toString(),
      /\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n/,
    );
    const keys = Array.from({ length: 2 }, () => {
      const { greeting } = new WebSocketDialogue({ port: 1, path: "/ws" }, [
        Buffer.from("request"),
      ]);
      return /sec-websocket-key: (\S+)/.exec(greeting.toString())?.[1] ?? "";
    });
    assert.deepEqual(
      keys.map((one) => Buffer.from(one, "base64").length),
      [16, 16],
    );
    assert.notEqual(keys[0], keys[1]);
  });

  it("is ready with the last byte of the handshake, wherever it is cut", () => {
    for (let cut = 1; cut < handshake.length; cut += 1) {
      const one = dialogue();
      const memory = Buffer.from(handshake.slice(0, cut));
      assert.deepEqual(one.hear(memory), [], `cut at ${cut}`);
      memory.fill("?"); // as a read buffer is, that is used again
      assert.deepEqual(one.hear(Buffer.from(handshake.slice(cut))), [{ type: "ready" }]);
    }
  });

  it("hears frames that come with the handshake", () => {
    const bytes = Buffer.concat([Buffer.from(handshake), frame(0x8, "")]);
    assert.deepEqual(dialogue().hear(bytes), [{ type: "ready" }, { type: "end" }]);
  });

  it("ends where the server refuses", () => {
    const refusal = Buffer.from("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}");
    assert.deepEqual(dialogue().hear(refusal), [{ type: "end" }]);
  });

  it("throws where the server answers another key", () => {
    const other = handshake.replace(accept, accept.toLowerCase());
    assert.throws(() => dialogue().hear(Buffer.from(other)), /Cannot open WebSocket/);
  });

  for (const [payload, status] of [
    ['{"type":"done","id":1,"predictions":[[0]]}', 200],
    ['{"type":"done"}', 200],
    ['{"type":"failed","id":1,"code":"overloaded"}', 500],
    ['{"type":"chunk","id":1}', 500],
    ['{"type":"ended","reason":"idle"}', 500],
    ["", 500],
  ] as const) {
    it(`takes ${payload || "nothing"} for ${status}`, () => {
      assert.deepEqual(upgraded().hear(frame(0x1, payload)), [answer(status)]);
    });
  }

  it("tells requests in flight apart by their ids", () => {
    const requests = framesOf('{"type":"infer","id":1,"features":[1]}', 3);
    const one = upgraded(new WebSocketDialogue({ port: 1, path: "/ws" }, requests, key));
    assert.equal(unmask(one.request(2)), '{"type":"infer","id":3,"features":[1]}');
    const third = frame(0x1, '{"type":"done","id":3,"predictions":[[0]]}');
    const first = frame(0x1, '{"type":"failed","code":"overloaded","id":1}');
    assert.deepEqual(one.hear(Buffer.concat([third, first])), [answer(200, 2), answer(500, 0)]);
  });

  it("replies to a ping with a masked pong of the same", () => {
    const [heard] = upgraded().hear(frame(0x9, "there?"));
    assert.ok(heard?.type === "reply");
    assert.deepEqual([...heard.bytes.subarray(0, 2)], [0x8a, 0x86]);
    assert.equal(unmask(heard.bytes), "there?");
  });

  it("ends with the server's close", () => {
    assert.deepEqual(upgraded().hear(frame(0x8, "")), [{ type: "end" }]);
  });
});
