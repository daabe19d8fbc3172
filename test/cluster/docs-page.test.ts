import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { findBrowser, shownPage } from "./browser-page.ts";
import { startReady } from "./cluster.ts";

const browser = findBrowser();
const skip = browser === undefined ? "no Chromium: install it, or name it in $CHROMIUM" : false;

describe("the page at /docs in a browser", { skip }, async () => {
  if (browser === undefined) return;
  const cluster = await startReady({ after }, { models: { echo: { onnx: echoModel() } } });

  it("shows each path of the document, with files of this server only", async () => {
    const { json } = await cluster.get<{ readonly paths: object }>("/openapi.json");
    // The slash is led away from.
    const page = await shownPage(browser, `${cluster.url}/docs/`);
    const shown = [...page.matchAll(/ data-path="([^"]*)"/g)].map(([, path]) => path);
    const paths = Object.keys(json.paths).toSorted();
    assert.ok(paths.includes("/predict/echo"));
    assert.deepEqual([...new Set(shown)].toSorted(), paths);
  });

  it("leaves nothing behind", () => cluster.endsCleanly());
});
