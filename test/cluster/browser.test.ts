import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { findBrowser, inPage } from "./browser-page.ts";
import { startReady } from "./cluster.ts";

const browser = findBrowser();
const skip = browser === undefined ? "no Chromium: install it, or name it in $CHROMIUM" : false;

const client = `
  const { TroupeClient, TroupeClientError } = await import("/dist/src/client/browser.js");
  const client = new TroupeClient(location.origin);
  const model = client.model("echo");`;

describe("the client in a browser", { skip }, async () => {
  if (browser === undefined) return;
  const cluster = await startReady({ after }, { models: { echo: { onnx: echoModel() } } });
  const run = (script: string) => inPage(browser, cluster.url, client + script);

  it("predicts, infers in binary, and knows what went wrong", async () => {
    const found = await run(`
      const { predictions } = await model.predict([1, 2, 3, 4]);
      const x = { data: Float32Array.of(NaN, 2, 3, 4), shape: [1, 4] };
      const { outputs } = await model.infer({ x });
      const [{ data }] = Object.values(outputs);
      const error = await model.predict([1]).catch((thrown) => thrown);
      const { code, status } = error;
      const isOurs = error instanceof TroupeClientError;
      return { predictions, data: [...data].map(String), code, status, isOurs };`);
    assert.deepEqual(found, {
      predictions: [[1, 2, 3, 4]],
      data: ["NaN", "2", "3", "4"],
      code: "invalid-request",
      status: 400,
      isOurs: true,
    });
  });

  it("streams, and hears events", async () => {
    const found = await run(`
      const session = model.stream({ maxInFlight: 2 });
      const sending = (async () => {
        for (let at = 0; at < 10; at += 1) await session.send({ features: [at, 0, 0, 0] });
        await session.finish();
      })();
      const firsts = [];
      for await (const { predictions } of session) firsts.push(predictions[0][0]);
      await sending;
      const typed = model.stream();
      await typed.send({ tensors: { x: { data: Float32Array.of(NaN, 1, 2, 3), shape: [1, 4] } } });
      const { value: answer } = await typed[Symbol.asyncIterator]().next();
      const [{ data }] = Object.values(answer.tensors);
      typed.close();
      const over = new AbortController();
      const events = client.events({ since: 0, signal: over.signal });
      const { value } = await events.next();
      over.abort();
      const kinds = [value.kind, data.constructor.name, String(data[0])];
      return { firsts: firsts.sort(), kinds, lost: await lostCode() };
      async function lostCode() {
        const nobody = client.model("nobody").stream();
        return nobody.send({ features: [1] }).catch(({ code }) => code);
      }`);
    const firsts = Array.from({ length: 10 }, (_, at) => at);
    const kinds = ["host", "Float32Array", "NaN"];
    assert.deepEqual(found, { firsts, kinds, lost: "model-not-found" });
  });

  it("uploads a file that was chosen, with progress", async () => {
    const bytes = JSON.stringify([...echoModel()]);
    const found = await run(`
      const content = new File([new Uint8Array(${bytes})], "chosen.onnx");
      const shares = [];
      const onProgress = ({ sentBytes, totalBytes }) => shares.push(sentBytes / totalBytes);
      const upload = { id: "chosen", files: [{ name: content.name, content }] };
      const { name, state } = await client.upload(upload, { onProgress });
      const again = await client.upload({ ...upload, version: "1" }).catch(({ code }) => code);
      return { name, state, last: shares.at(-1), again };`);
    assert.deepEqual(found, { name: "chosen", state: "ready", last: 1, again: "conflict" });
  });
});
