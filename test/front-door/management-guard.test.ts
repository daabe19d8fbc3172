import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  askOf,
  judgeManagement,
  type ManagementAsk,
} from "../../src/front-door/management-guard.ts";

function judge(changed: Partial<ManagementAsk>): string | undefined {
  return judgeManagement({
    management: "guarded",
    host: "localhost:8080",
    origin: undefined,
    secFetchSite: undefined,
    allowedOrigins: [],
    ...changed,
  })?.message;
}

const own = "http://localhost:8080";
const listed = ["https://a.example"];

describe("A change of models", () => {
  const allowed: readonly Partial<ManagementAsk>[] = [
    {},
    { host: "LocalHost" },
    { host: "a.localhost:80" },
    { host: "127.0.0.1:8080" },
    { host: "127.9.8.7" },
    { host: "[::1]:8080" },
    { host: "[::1]" },
    { origin: own },
    { origin: "https://localhost:8080" },
    { origin: own, secFetchSite: "same-origin" },
    { secFetchSite: "none" },
    { origin: "https://a.example", allowedOrigins: listed },
    { origin: "https://a.example", allowedOrigins: listed, secFetchSite: "cross-site" },
    { management: "open", host: "models.example" },
    { management: "open", host: undefined },
    { management: "open", host: "models.example", origin: "https://models.example" },
  ];
  for (const ask of allowed) {
    it(`is allowed: ${JSON.stringify(ask)}`, () => assert.equal(judge(ask), undefined));
  }

  const refused: readonly (readonly [Partial<ManagementAsk>, RegExp])[] = [
    [{ management: "off" }, /^models cannot be changed here: .* --insecure-no-auth/],
    [{ host: undefined }, /^host must be .*, got ''$/],
    [{ host: "evil.example" }, /^host must be .*, got 'evil.example'$/],
    [{ host: "localhost.evil.example" }, /^host must be/],
    [{ host: "evillocalhost" }, /^host must be/],
    [{ host: "127.0.0.1.evil.example" }, /^host must be/],
    [{ host: "127.1" }, /^host must be/],
    [{ host: "192.168.0.1:8080" }, /^host must be/],
    [{ host: "0.0.0.0" }, /^host must be/],
    [{ host: "[::2]:80" }, /^host must be/],
    [{ host: "::1" }, /^host must be/],
    [{ host: "localhost:x" }, /^host must be/],
    [{ host: "evil.example", origin: "http://evil.example" }, /^host must be/],
    [{ origin: "https://b.example" }, /^origin 'https:\/\/b.example'/],
    [{ origin: "https://b.example", allowedOrigins: listed }, /^origin/],
    [{ origin: "http://localhost:3000" }, /^origin/],
    [{ origin: "null" }, /^origin 'null'/],
    [{ origin: "null", allowedOrigins: ["null"] }, /^origin 'null'/],
    [{ origin: own, secFetchSite: "cross-site" }, /^sec-fetch-site .*, got 'cross-site'$/],
    [{ secFetchSite: "same-site" }, /^sec-fetch-site/],
    [{ secFetchSite: "" }, /^sec-fetch-site/],
    [{ management: "open", host: "x", origin: "https://b.example" }, /^origin/],
    [{ management: "open", host: undefined, origin: "http://undefined" }, /^origin/],
    [{ management: "open", host: "x", secFetchSite: "cross-site" }, /^sec-fetch-site/],
  ];
  for (const [ask, words] of refused) {
    it(`is refused: ${JSON.stringify(ask)}`, () => assert.match(judge(ask) ?? "", words));
  }

  it("is asked for in the head of a request", () => {
    const headers = { host: "h", origin: "o", "sec-fetch-site": "none" };
    const settings = { management: "open", allowedOrigins: listed } as const;
    assert.deepEqual(askOf(headers, settings), {
      ...settings,
      host: "h",
      origin: "o",
      secFetchSite: "none",
    });
  });
});
