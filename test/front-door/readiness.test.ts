import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeModel, judgeServer, type Readiness } from "../../src/front-door/readiness.ts";
import type { ModelView, ServerView, VersionState } from "../../src/protocol/views.ts";
import { model, version } from "./views.ts";

const started: ServerView = { draining: false, started: true, changesRefused: null };
const starting: ServerView = { ...started, started: false };
const draining: ServerView = { ...started, draining: true };

const good = model({ name: "good" });
const bad = model({
  name: "bad",
  versions: [version({ state: "unavailable", reason: "6 crashes" })],
});
const loading = model({
  name: "late",
  versions: [version({ state: "loading", reason: "it is being loaded" })],
});
const broken = model({ name: "broken", versions: [], problem: "no version" });
const resting = model({ name: "rest", versions: [version({ state: "unloaded" })] });
const empty = model({ name: "empty", versions: [] });
const two = (first: VersionState, second: VersionState) =>
  model({
    name: "two",
    versions: [version({ state: first }), version({ version: "2", state: second, reason: "why" })],
  });
const needed = { required: true } as const;

const trouble = {
  bad: "model 'bad' version '1' is unavailable: 6 crashes",
  late: "model 'late' version '1' is loading: it is being loaded",
  broken: "model 'broken' is unavailable: no version",
  rest: "model 'rest' version '1' is unloaded",
  empty: "model 'empty' is not loaded",
  draining: "the server is draining",
  starting: "models are being loaded",
};

function ready(...reasons: readonly string[]): Readiness {
  return { ready: true, reasons };
}

function unready(...reasons: readonly string[]): Readiness {
  return { ready: false, reasons };
}

describe("judgeServer", () => {
  const rows: readonly (readonly [string, ServerView, readonly ModelView[], Readiness])[] = [
    ["started, all ready", started, [good], ready()],
    ["started, without models", started, [], ready()],
    ["starting, all ready by now", starting, [good], unready(trouble.starting)],
    ["starting", starting, [loading], unready(trouble.starting, trouble.late)],
    ["draining", draining, [good], unready(trouble.draining)],
    ["started, one bad", started, [good, bad], ready(trouble.bad)],
    ["started, all bad", started, [bad, broken], ready(trouble.bad, trouble.broken)],
    ["started, one loading", started, [loading], ready(trouble.late)],
    ["started, a required one bad", started, [{ ...bad, ...needed }], unready(trouble.bad)],
    [
      "started, a required one broken",
      started,
      [{ ...broken, ...needed }],
      unready(trouble.broken),
    ],
    ["started, a required one ready", started, [{ ...good, ...needed }, bad], ready(trouble.bad)],
    ["started, one not loaded", started, [resting, empty], ready()],
    [
      "started, required ones not loaded",
      started,
      [
        { ...resting, ...needed },
        { ...empty, ...needed },
      ],
      unready(trouble.rest, trouble.empty),
    ],
    ["started, one rolling out", started, [two("ready", "loading")], ready()],
    ["started, one with a version on its way out", started, [two("draining", "ready")], ready()],
    ["started, one rolled out", started, [two("unloaded", "ready")], ready()],
    [
      "started, one rolled back",
      started,
      [{ ...two("ready", "unavailable"), ...needed }],
      ready("model 'two' version '2' is unavailable: why"),
    ],
    [
      "started, one whose default version is coming back beside another",
      started,
      [{ ...two("ready", "recovering"), ...needed, defaultVersion: "2" }],
      ready("model 'two' version '2' is recovering: why"),
    ],
    ["draining, one bad", draining, [bad], unready(trouble.draining, trouble.bad)],
  ];
  for (const [name, server, models, readiness] of rows) {
    it(`finds a server that is ${name}, ${readiness.ready ? "ready" : "not ready"}`, () =>
      assert.deepEqual(judgeServer(server, models), readiness));
  }
});

describe("judgeModel", () => {
  const badAndGood = model({
    name: "bad",
    versions: [version({ state: "unavailable", reason: "6 crashes" }), version({ version: "2" })],
  });
  const rows: readonly (readonly [string, ServerView, ModelView, Readiness])[] = [
    ["that is ready", started, good, ready()],
    ["that is ready while others are loaded", starting, good, ready()],
    ["that is ready while the server drains", draining, good, unready(trouble.draining)],
    ["that is bad", started, bad, unready(trouble.bad)],
    ["that is broken", started, broken, unready(trouble.broken)],
    ["of which the newest version is ready", started, badAndGood, ready()],
    ["that rolls out", started, two("ready", "loading"), ready()],
    ["that is not loaded", started, resting, unready(trouble.rest)],
    ["without versions", started, empty, unready(trouble.empty)],
  ];
  for (const [name, server, one, readiness] of rows) {
    it(`finds a model ${name}, ${readiness.ready ? "ready" : "not ready"}`, () =>
      assert.deepEqual(judgeModel(server, one), readiness));
  }

  it("judges the version that is asked for", () =>
    assert.deepEqual(
      judgeModel(started, badAndGood, badAndGood.versions[0]),
      unready(trouble.bad),
    ));
});
