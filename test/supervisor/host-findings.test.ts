import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostFindings } from "../../supervisor/host-findings.ts";
import { metadata } from "./metadata.ts";

const tried = { stamp: "s", metadata, onThread: true };

describe("what a host leaves to its successor", () => {
  it("is nothing at first", () => {
    const findings = new HostFindings();
    assert.deepEqual(findings.told, { skipTrial: null, slow: null, known: null });
    assert.ok(!findings.needsThread && !findings.skipsTrial);
  });

  it("is the thread where one is needed, and the main thread where the engine came back to it", () => {
    const slow = new HostFindings();
    slow.noteSlow("its runs are long");
    assert.ok(slow.needsThread);
    const found = new HostFindings();
    found.noteTried(tried);
    assert.ok(found.needsThread);
    found.noteEngine("own");
    assert.ok(found.needsThread);
    for (const findings of [slow, found]) {
      findings.noteEngine("main");
      assert.ok(!findings.needsThread && findings.told.slow === null);
    }
    assert.deepEqual(found.told.known, { ...tried, onThread: false });
  });

  it("is no trial where one was the end of a host, and nothing that was found before", () => {
    const findings = new HostFindings();
    findings.noteTried(tried);
    findings.noteEnd({ cause: "SIGSEGV", blame: "model" }, { inTrial: true, wasReady: false });
    findings.noteTried(tried);
    assert.deepEqual(findings.told, {
      skipTrial: "the trial ended the host (SIGSEGV)",
      slow: null,
      known: null,
    });
    assert.ok(findings.skipsTrial && !findings.needsThread);
  });

  for (const [what, exit, wasReady, isKept] of [
    ["was killed while it served", { cause: "SIGKILL", blame: "outside" }, true, true],
    ["crashed while it served", { cause: "SIGSEGV", blame: "model" }, true, true],
    ["was killed before it served", { cause: "SIGKILL", blame: "outside" }, false, true],
    ["crashed before it served", { cause: "SIGSEGV", blame: "model" }, false, false],
    ["hung before it served", { cause: "hang", blame: "outside" }, false, false],
    ["kept no protocol", { cause: "protocol", blame: "model" }, true, false],
  ] as const) {
    it(`is ${isKept ? "what was" : "not what was"} tried by a host that ${what}`, () => {
      const findings = new HostFindings();
      findings.noteTried(tried);
      findings.noteEnd(exit, { inTrial: false, wasReady });
      const { known, skipTrial } = findings.told;
      assert.deepEqual([known, skipTrial], [isKept ? tried : null, null]);
    });
  }

  it("begins with what another found, and goes its own way from there", () => {
    const before = new HostFindings();
    before.noteSlow("its runs are long");
    before.noteTried(tried);
    const findings = new HostFindings(before);
    assert.deepEqual(findings.told, before.told);
    findings.noteEngine("main");
    assert.deepEqual([before.needsThread, findings.needsThread], [true, false]);
  });
});
