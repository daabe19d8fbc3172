import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostFindings } from "../../supervisor/host-findings.ts";
import { metadata } from "./metadata.ts";

const tried = { stamp: "s", metadata, onThread: true };

describe("what a host leaves to its successor", () => {
  it("is nothing at first", () => {
    const findings = new HostFindings();
    assert.deepEqual(findings.told, { skipTrial: null, isSlow: false, known: null });
    assert.ok(!findings.needsThread && !findings.skipsTrial);
  });

  it("is the thread where one is needed, and the main thread where the engine came back to it", () => {
    const slow = new HostFindings();
    slow.noteSlow();
    assert.ok(slow.needsThread);
    const found = new HostFindings();
    found.noteTried(tried);
    assert.ok(found.needsThread);
    found.noteEngine("own");
    assert.ok(found.needsThread);
    for (const findings of [slow, found]) {
      findings.noteEngine("main");
      assert.ok(!findings.needsThread && !findings.told.isSlow);
    }
    assert.deepEqual(found.told.known, { ...tried, onThread: false });
  });

  it("is no trial where one was the end of a host, and nothing that was found before", () => {
    const findings = new HostFindings();
    findings.noteTried(tried);
    findings.noteFatalTrial("signal SIGSEGV");
    assert.deepEqual(findings.told, {
      skipTrial: "the trial ended the host (signal SIGSEGV)",
      isSlow: false,
      known: null,
    });
    assert.ok(findings.skipsTrial && !findings.needsThread);
  });

  it("begins with what another found, and goes its own way from there", () => {
    const before = new HostFindings();
    before.noteSlow();
    before.noteTried(tried);
    const findings = new HostFindings(before);
    assert.deepEqual(findings.told, before.told);
    findings.noteEngine("main");
    assert.deepEqual([before.needsThread, findings.needsThread], [true, false]);
  });
});
