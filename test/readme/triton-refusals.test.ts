import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { startReady } from "../cluster/cluster.ts";
import { parseCurl } from "./curl-line.ts";
import { examplesIn, readme, sectionOf } from "./readme.ts";
import { assertReply } from "./shown-reply.ts";

const examples = examplesIn(sectionOf(readme, "Triton's refusals"), "sh");
const cluster = await startReady(
  { after },
  { models: { echo: { onnx: echoModel() } }, flags: ["--compat-triton"] },
);

describe("the README's examples of Triton's refusals", () => {
  it("are there", () => assert.ok(examples.length > 0));

  for (const { call, answer } of examples) {
    it(`answers as shown: ${call.text.split("\n")[0]}`, async () => {
      assertReply(await cluster.send<unknown>(parseCurl(call.text).ask), answer);
    });
  }

  it("leave nothing behind", () => cluster.endsCleanly());
});
