import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TroupeError } from "../../src/protocol/errors.ts";
import { head, serveManagement } from "./management-server.ts";
import { until } from "./until.ts";

const bounded = { timeout: 20_000 };
const conflict = new TroupeError("conflict", "busy");

type Row = readonly [method: string, path: string, status: number, code: string | undefined];

describe("A request about models", bounded, () => {
  const rows: readonly Row[] = [
    ["GET", "/models", 200, undefined],
    ["GET", "/models/m?x=1", 200, undefined],
    ["GET", "/models/.m", 404, "model-not-found"],
    ["GET", "/models/%ZZ", 400, "invalid-request"],
    ["PUT", "/models/m", 405, "method-not-allowed"],
    ["POST", "/models", 415, "unsupported-media-type"],
    ["POST", "/models/m/load", 409, "conflict"],
    ["POST", "/models/m/nothing", 404, "not-found"],
    ["POST", "/models/m/unload?verison=1", 400, "invalid-request"],
    ["PATCH", "/models/m", 400, "invalid-request"],
    ["DELETE", "/models/m/versions/1", 409, "conflict"],
    ["POST", "/v2/repository/index", 200, undefined],
    ["POST", "/v2/repository/models/m/load", 409, "conflict"],
  ];
  for (const [method, path, status, code] of rows) {
    it(`is one line of the log: ${method} ${path}`, async (t) => {
      const { connect, lines } = await serveManagement(t, {}, ({ type }) =>
        type === "change" ? conflict : undefined,
      );
      const client = connect();
      client.write(head(method, path, ["x-request-id: r1"]));
      assert.equal((await client.answer()).status, status);
      await until(() => lines.length > 0, "its line");
      assert.equal(lines.length, 1);
      const { error, total_ms, ...line } = lines[0] ?? {};
      const [plain] = path.split("?");
      assert.deepEqual(line, { request_id: "r1", method, path: plain, status, code });
      assert.deepEqual([typeof error, total_ms], [code === undefined ? "undefined" : "string", 0]);
    });
  }

  it("is logged with the words of its refusal to pages of others", async (t) => {
    const { connect, lines } = await serveManagement(t);
    const client = connect();
    client.write(head("DELETE", "/models/m", ["origin: https://b.example"]));
    const { body } = await client.answer();
    await until(() => lines.length > 0, "its line");
    const { request_id, error } = JSON.parse(body);
    assert.deepEqual([lines[0]?.["request_id"], lines[0]?.["error"]], [request_id, error]);
  });

  for (const path of ["/health", "/livez", "/nowhere", "/modelsx"]) {
    it(`is another one: ${path}`, async (t) => {
      const { connect, lines } = await serveManagement(t);
      const client = connect();
      client.write(head("GET", path));
      await client.answer();
      client.text = "";
      client.write(head("GET", "/models"));
      await client.answer();
      await until(() => lines.length > 0, "the line of the second");
      assert.deepEqual(
        lines.map((line) => line["path"]),
        ["/models"],
      );
    });
  }
});
