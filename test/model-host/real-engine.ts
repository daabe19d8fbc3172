/* What tests need in which ONNX Runtime is loaded in their own process. */
import { test } from "node:test";
import type { SessionSettings } from "../../src/protocol/model-settings.ts";

process.env["ORT_DISABLE_TELEMETRY"] = "1";

export const settings: SessionSettings = {
  threads: 1,
  executionProviders: ["cpu"],
  graphOptimization: "all",
};

/** An engine's thread does not keep the process alive, which in a host the channel to the supervisor does. */
export function it(name: string, body: () => Promise<void> | void): void {
  test(name, async () => {
    const alive = setInterval(() => undefined, 1_000);
    try {
      await body();
    } finally {
      clearInterval(alive);
    }
  });
}
