import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { attempt } from "../../src/protocol/field-parsing.ts";
import { question } from "../../src/protocol/question-parsing.ts";
import type { ModelChange, Question } from "../../src/protocol/questions.ts";

const file = { name: "model.onnx", path: "/x/0", bytes: 5, digest: "0a".repeat(32) };
const upload = { type: "upload", uploadId: "u", model: "m", version: "2", files: [file] } as const;
const longest = "x".repeat(65_536);

const changes: readonly ModelChange[] = [
  { ...upload, config: null },
  { ...upload, version: null, config: longest, files: new Array(64).fill(file) },
  { type: "load", model: "m", version: "1" },
  { type: "unload", model: "m", version: null },
  { type: "restart", model: "m", version: null },
  { type: "delete", model: "m", version: null },
  { type: "patch", model: "m", patch: longest },
];

const questions: readonly Question[] = [
  { type: "tree" },
  { type: "metrics" },
  { type: "models" },
  { type: "statistics", model: null, version: null },
  { type: "statistics", model: "m", version: "1" },
  { type: "traces", model: null },
  { type: "trace-setting", model: "m", change: {} },
  {
    type: "trace-setting",
    model: null,
    change: { level: "TIMESTAMPS", rate: false, count: null, logFrequency: 1, file: "f" },
  },
  { type: "change", change: { type: "configure", model: "m", config: "{}" }, requestId: "r" },
  { type: "log-level", level: null },
  { type: "logs", model: "m", clear: true },
  { type: "log-level", level: "debug" },
  { type: "open-upload", requestId: "r" },
  { type: "model", model: "m" },
  { type: "version", model: "m", version: "1" },
  { type: "config", model: "m" },
  { type: "name-upload", uploadId: "u", model: "m", version: null },
  { type: "name-upload", uploadId: "u", model: "m", version: "1" },
  ...changes.map((change) => ({ type: "change", change, requestId: "r" }) as const),
];

function parse(value: unknown): Question | undefined {
  return attempt(() => question(value));
}

function without(value: object, field: string): object {
  return { ...value, [field]: undefined };
}

function change(fields: object): unknown {
  return { type: "change", change: fields, requestId: "r" };
}

describe("A question", () => {
  for (const asked of questions) {
    const name = JSON.stringify(asked).slice(0, 80);
    it(`is read: ${name}`, () => assert.deepEqual(parse({ ...asked, extra: 1 }), asked));

    it(`misses each of its fields: ${name}`, () => {
      for (const field of Object.keys(asked)) assert.equal(parse(without(asked, field)), undefined);
    });
  }

  for (const wanted of changes) {
    it(`misses each field of its change: ${wanted.type}`, () => {
      for (const field of Object.keys(wanted)) {
        assert.equal(parse(change(without(wanted, field))), undefined, field);
      }
    });
  }

  const whole = { ...upload, config: null };
  const rows: readonly (readonly [string, unknown])[] = [
    ["nothing", null],
    ["a text", "tree"],
    ["of no known kind", { type: "secrets" }],
    ["about a model that is a number", { type: "model", model: 1 }],
    ["about a name too long", { type: "model", model: "x".repeat(4_097) }],
    ["about logs of nobody", { type: "logs", clear: true }],
    ["about a log level that there is not", { type: "log-level", level: "loud" }],
    ["a change of no known kind", change({ type: "copy", model: "m", version: null })],
    ["a change in a list", change([upload])],
    ["a patch too long", change({ type: "patch", model: "m", patch: `${longest}x` })],
    ["a configuration too long", change({ ...whole, config: `${longest}x` })],
    ["too many files", change({ ...whole, files: new Array(65).fill(file) })],
    ["half a byte", change({ ...whole, files: [{ ...file, bytes: 0.5 }] })],
    ["a digest that is none", change({ ...whole, files: [{ ...file, digest: "0A".repeat(32) }] })],
  ];
  for (const [name, value] of rows) {
    it(`is not believed: ${name}`, () => assert.equal(parse(value), undefined));
  }
});
