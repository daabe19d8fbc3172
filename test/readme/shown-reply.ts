import assert from "node:assert/strict";
import type { Reply } from "../cluster/http-client.ts";
import type { Block } from "./readme.ts";
import { assertShown } from "./shown-answer.ts";

/** An answer as `curl -i` prints it, or its body alone. */
export function assertReply(reply: Reply<unknown>, { language, text }: Block): void {
  const [head = "", body = ""] = language === "http" ? text.split("\n\n", 2) : ["", text];
  const [statusLine = "", ...headerLines] = head.split("\n");
  assert.equal(reply.status, Number(statusLine.split(" ")[1] ?? 200));
  assertShown(reply.json, JSON.parse(body));
  for (const line of headerLines) assertHeader(reply, line.split(": "));
}

function assertHeader({ headers, json }: Reply<unknown>, [name = "", value]: string[]): void {
  const isId = name === "x-request-id";
  const expected = isId ? (json as { readonly request_id: string }).request_id : value;
  assert.equal(headers[name], expected);
}
