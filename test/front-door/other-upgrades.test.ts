import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, it } from "node:test";
import {
  answerWithoutUpgrade,
  isWebSocketOffer,
  withoutOffer,
} from "../../src/front-door/other-upgrades.ts";
import { RawClient } from "./raw-client.ts";
import { until } from "./until.ts";

function offer(upgrade: string | undefined): IncomingMessage {
  return { headers: { upgrade } } as IncomingMessage;
}

describe("isWebSocketOffer", () => {
  const cases = [
    ["websocket", true],
    ["WebSocket", true],
    ["h2c", false],
    [undefined, false],
  ] as const;
  for (const [upgrade, expected] of cases) {
    it(`is ${expected} for ${upgrade}`, () =>
      assert.equal(isWebSocketOffer(offer(upgrade)), expected));
  }
});

describe("withoutOffer", () => {
  it("leaves all headers but those of the offer", () => {
    const request = {
      method: "POST",
      url: "/predict/iris?x=1",
      rawHeaders: [
        "Host",
        "a",
        "Upgrade",
        "h2c",
        "Connection",
        "Upgrade, HTTP2-Settings",
        "HTTP2-Settings",
        "AAM",
        "X-Y",
        "z",
      ],
    } as unknown as IncomingMessage;
    assert.equal(
      withoutOffer(request),
      "POST /predict/iris?x=1 HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n",
    );
  });
});

describe("answerWithoutUpgrade", () => {
  it("answers requests with body and offer, one after the other on one connection", async (t) => {
    const server = createServer((request, response) => {
      request.on("data", (chunk: Buffer) => response.write(`${request.url} ${chunk} `));
      request.on("end", () => response.end("end"));
    });
    server.on("upgrade", (request, socket, head) =>
      answerWithoutUpgrade(server, request, socket, head),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    t.after(() => client.destroy());
    const head = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAM\r\nContent-Length: 4\r\n\r\n`;
    client.write(`${head("/one")}ab`);
    client.write("cd");
    let seen = "";
    await new Promise<void>((resolve) => {
      client.on("data", (chunk) => {
        seen += chunk;
        if (seen.includes("/one") && seen.includes("end") && !seen.includes("/two")) {
          client.write(`${head("/two")}efgh`);
        }
        if (seen.includes("/two efgh") && seen.lastIndexOf("end") > seen.indexOf("/two")) resolve();
      });
    });
    assert.equal(seen.match(/HTTP\/1\.1 200/g)?.length, 2);
  });

  it("answers an offer that stands behind an answer that is not there yet", async (t) => {
    const responses: ServerResponse[] = [];
    const server = createServer((_request, response) => responses.push(response));
    server.on("upgrade", (request, socket, head) =>
      answerWithoutUpgrade(server, request, socket, head),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const client = new RawClient(t, (server.address() as AddressInfo).port);
    const offer = "Upgrade: h2c\r\nConnection: Upgrade\r\n";
    client.write(
      `GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n${offer}\r\n`,
    );
    await until(() => responses.length === 1);
    responses[0]?.end("first");
    await until(() => responses.length === 2, "the second request");
    responses[1]?.end("second");
    await client.has("second");
    assert.match(client.text, /first.*second/s);
  });
});
