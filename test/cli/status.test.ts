import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { statusText } from "../../src/cli/status.ts";
import { plainPaint } from "./paint.ts";

const ready = { state: "ready", rss_bytes: 1_048_576, cpu_seconds: 0.25 };

const well = {
  status: "ok",
  reasons: [],
  changes_refused: null,
  version: "1.2.3",
  uptime_seconds: 5,
  timestamp: "2026-11-26T01:31:40.247Z",
  models: [],
} as const;

describe("statusText", () => {
  it("tells how the server is, why, and of every process", () => {
    const health = {
      status: "degraded",
      reasons: ["model iris is unavailable"],
      changes_refused: "another server has the folder",
      version: "1.2.3",
      uptime_seconds: 5,
      timestamp: "2026-11-26T01:31:40.247Z",
      models: [],
    } as const;
    const last_exit = { reason: "SIGSEGV", at: "" };
    const host = { ...ready, replica: 0, stage: "serving", pid: 3, restarts: 2, last_exit };
    const versions = [{ version: "1", hosts: [host] }];
    const tree = {
      version: "1.2.3",
      supervisor: { ...ready, pid: 1 },
      front_doors: [{ ...ready, pid: 2, restarts: 0, last_exit: null }],
      models: [{ name: "iris", problem: null, versions }],
    };
    assert.equal(
      statusText(health, tree, plainPaint),
      `troupe 1.2.3 is degraded, up 5 s
  model iris is unavailable
  models cannot be changed: another server has the folder

PROCESS       VERSION  REPLICA  PID  STATE   MEMORY    CPU  RESTARTS  LAST EXIT
supervisor    -              -    1  ready  1.0 MiB  0.3 s         -  -
front door    -              -    2  ready  1.0 MiB  0.3 s         0  -
host of iris  1              0    3  ready  1.0 MiB  0.3 s         2  SIGSEGV
`,
    );
  });

  it("tells which of two hosts of one version serves", () => {
    const hosts = [
      { ...ready, replica: 0, stage: "serving", pid: 4 },
      { ...ready, replica: 0, stage: "standby", pid: 3 },
    ];
    const tree = {
      version: "1.2.3",
      supervisor: { ...ready, pid: 1 },
      front_doors: [],
      models: [{ name: "iris", problem: null, versions: [{ version: "1", hosts }] }],
    };
    assert.deepEqual(statusText(well, tree, plainPaint).split("\n").slice(2, -1), [
      "PROCESS       VERSION  REPLICA  PID  STATE  STAGE     MEMORY    CPU",
      "supervisor    -              -    1  ready  -        1.0 MiB  0.3 s",
      "host of iris  1              0    4  ready  serving  1.0 MiB  0.3 s",
      "host of iris  1              0    3  ready  standby  1.0 MiB  0.3 s",
    ]);
  });

  it("tells what hosts have chosen for their objectives", () => {
    const objective = { p99_ms: 20, reason: "batches of at most 9 rows: 1.2 ms + 0.9 ms a row" };
    const hosts = [
      { ...ready, replica: 0, pid: 3, objective },
      { ...ready, replica: 1, pid: 4, objective: null },
      { ...ready, replica: 2, pid: null, objective },
    ];
    const tree = {
      version: "1.2.3",
      supervisor: { ...ready, pid: 1 },
      front_doors: [],
      models: [{ name: "iris", problem: null, versions: [{ version: "1", hosts }] }],
    };
    assert.deepEqual(statusText(well, tree, plainPaint).split("\n").slice(-4), [
      "",
      `host of iris, version 1, replica 0, PID 3: ${objective.reason}`,
      `host of iris, version 1, replica 2, PID -: ${objective.reason}`,
      "",
    ]);
  });
});
