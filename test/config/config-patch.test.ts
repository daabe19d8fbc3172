import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configText, patchModelConfig } from "../../src/config/config-patch.ts";
import { defaultModelConfig, parseModelConfig } from "../../src/config/model-config.ts";

const file = "m/model.yaml";

function patched(text: string, patch: unknown): string {
  return patchModelConfig(text, JSON.stringify(patch), file).text;
}

const commented = `# The sorting machine

description: Fruit   # short
# more hosts at harvest
replicas: 2 # of four cores
batching: { max_batch_size: 32 }

timeouts:
  request_ms: 2000 # patience
  run_ms: 5000
labels: [007, 1.0, 1e3, 'no']
`;

/** Blanks alone may change. */
const tidied = commented
  .replace("Fruit   #", "Fruit #")
  .replace("[007, 1.0, 1e3, 'no']", "[ 007, 1.0, 1e3, 'no' ]");

describe("patchModelConfig", () => {
  const rows: readonly (readonly [string, string, unknown, string])[] = [
    ["leaves all where nothing is asked", commented, {}, tidied],
    [
      "replaces a value and keeps the comments",
      commented,
      { replicas: 3 },
      tidied.replace("replicas: 2", "replicas: 3"),
    ],
    [
      "merges into a section",
      commented,
      { timeouts: { request_ms: 10, load_ms: 7 } },
      tidied.replace("2000", "10").replace("  run_ms: 5000\n", "  run_ms: 5000\n  load_ms: 7\n"),
    ],
    [
      "adds to a section in one line",
      commented,
      { batching: { max_queue_delay_ms: 2 } },
      tidied.replace("32 }", "32, max_queue_delay_ms: 2 }"),
    ],
    [
      "removes a key",
      commented,
      { timeouts: { run_ms: null } },
      tidied.replace("  run_ms: 5000\n", ""),
    ],
    [
      "removes a section that becomes empty",
      commented,
      { batching: { max_batch_size: null } },
      tidied.replace("batching: { max_batch_size: 32 }\n", ""),
    ],
    ["needs no empty section", commented, { queue: {}, batching: {} }, tidied],
    [
      "leaves an empty section that is nobody's",
      "queue: {}\n",
      { replicas: 2 },
      "queue: {}\nreplicas: 2\n",
    ],
    ["removes a section at once", "queue: { max_rows: 2 }\n", { queue: null }, "{}\n"],
    [
      "removes what is not there",
      "replicas: 2\n",
      { labels: null, queue: { max_rows: null } },
      "replicas: 2\n",
    ],
    [
      "begins a file",
      "",
      { replicas: 2, queue: { max_rows: 3 } },
      "replicas: 2\nqueue:\n  max_rows: 3\n",
    ],
    ["begins below comments", "# nothing yet\n", { replicas: 2 }, "# nothing yet\n\nreplicas: 2\n"],
    ["begins in an empty map", "{}\n", { replicas: 2 }, "replicas: 2\n"],
    [
      "fills an empty key",
      "queue:\nreplicas: 2\n",
      { queue: { max_rows: 3 } },
      "queue:\n  max_rows: 3\nreplicas: 2\n",
    ],
    [
      "replaces a list",
      "labels: [a, b] # two\n",
      { labels: ["c", "no", "1", "true"] },
      'labels: [ c, no, "1", "true" ] # two\n',
    ],
    [
      "puts a map for a text",
      "versions: all\n",
      { versions: { latest: 2 } },
      "versions:\n  latest: 2\n",
    ],
    [
      "puts a text for a map",
      "versions: { latest: 2 } # two\n",
      { versions: "all" },
      "versions: all\n",
    ],
    [
      "keeps a version's zeros",
      "versions: [1.10]\n",
      { default_version: "1.10" },
      'versions: [ 1.10 ]\ndefault_version: "1.10"\n',
    ],
    [
      "finds a key that is a number",
      "defaults: { 1: 2 }\n",
      { defaults: { "1": 3 } },
      "defaults: { 1: 3 }\n",
    ],
    [
      "drops null from a new section",
      "",
      { queue: { max_rows: 3, max_bytes: null } },
      "queue:\n  max_rows: 3\n",
    ],
    [
      "writes samples so that they can be read",
      "",
      {
        golden: [
          {
            features: [
              [1, 2],
              [3, 4],
            ],
            outputs: { y: [1] },
          },
        ],
      },
      "golden:\n  - features: [ [ 1, 2 ], [ 3, 4 ] ]\n    outputs:\n      y: [ 1 ]\n",
    ],
  ];
  for (const [behaviour, text, patch, expected] of rows) {
    it(behaviour, () => assert.equal(patched(text, patch), expected));
  }

  it("gives the configuration of the new text", () => {
    const { text, config } = patchModelConfig(commented, '{"replicas":5}', file);
    assert.equal(config.replicas, 5);
    assert.deepEqual(config.labels, ["007", "1.0", "1e3", "no"]);
    assert.deepEqual(config, parseModelConfig(text, file));
  });

  it("gives the defaults where all is removed", () => {
    const { config } = patchModelConfig("replicas: 2", '{"replicas":null}', file);
    assert.deepEqual(config, defaultModelConfig);
  });

  it("mends a configuration that was not valid", () => {
    assert.equal(patched("replicas: none\n", { replicas: 2 }), "replicas: 2\n");
  });

  it("leaves long lines as they are", () => {
    const text = `description: ${"word ".repeat(40)}end\nlabels: [ ${"label, ".repeat(40)}end ]\n`;
    assert.equal(patched(text, { replicas: 2 }), `${text}replicas: 2\n`);
  });

  const defaults = (count: number) =>
    JSON.stringify({ defaults: Object.fromEntries(new Array(count).entries()) }, (_, value) =>
      value === undefined ? 1 : value,
    );
  const many = defaults(6_000);
  const some = defaults(1_500);
  const deep = `{"defaults":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  for (const [text, patch, words] of [
    ["", "", "the patch is not valid JSON"],
    ["", "replicas: 2", "the patch is not valid JSON"],
    ["", '{"replicas":2,"replicas":3}', 'the patch names the key "replicas" twice'],
    ["", '{"queue":{"max_rows":2,"max_rows":3}}', 'the patch names the key "max_rows" twice'],
    ["replicas: 2", '{"replicas":{}}', "replicas must be an integer from 1 to 64, got a map"],
    [
      "replicas: 2",
      '{"replicas":{"a":null}}',
      "replicas must be an integer from 1 to 64, got a map",
    ],
    ["", '{"description":{}}', "description must be a text, got a map"],
    ["labels: [a]", '{"labels":{}}', "labels must be a list, got a map"],
    ["required: true", '{"required":{}}', "required must be true or false, got a map"],
    ["golden: []", '{"golden":{}}', "golden must be a list, got a map"],
    ["", '{"queue":{"max_rows":{}}}', /^queue\.max_rows must be an integer .*, got a map$/],
    ["", "[]", "the patch must be a JSON object, got a list"],
    ["", "null", "the patch must be a JSON object, got null"],
    ["", "2", "the patch must be a JSON object, got a number"],
    ["", deep, "the patch is more than 30 levels deep"],
    ["", many, "the patch is more than 5000 keys and values"],
    ["", some, "not valid YAML: more than 5000 tokens (words, marks and line ends)"],
    [
      "a: 1\n".repeat(2_000),
      "{}",
      "its model.yaml is not valid YAML: more than 5000 tokens (words, marks and line ends) (line 1250)",
    ],
    ["", '{"replicas":0}', "replicas must be an integer from 1 to 64, got 0"],
    ["a: 1\nb: 2", "{}", /^unknown key "a"; known are description, batching, /],
    ["", '{"replica":2}', 'unknown key "replica", the nearest known one is replicas'],
    ["", '{"__proto__":{"a":1}}', /^unknown key "__proto__"; known are description, /],
    [
      "\n\nrestart: { min_backoff_ms: 5 }",
      '{"restart":{"max_backoff_ms":4}}',
      "restart.max_backoff_ms must be at least min_backoff_ms (5), got 4",
    ],
    ["", '{"required":"yes"}', 'required must be true or false, got "yes"'],
    ["", '{"labels":["a",null]}', "labels[1] must be a text, got nothing"],
    ["- a", "{}", "its model.yaml must be a map"],
    ["a: b: c", "{}", /^its model.yaml is not valid YAML: .* \(line 1\)$/],
    [
      "",
      JSON.stringify({ description: "a".repeat(65_536) }),
      "its model.yaml must have at most 65536 bytes, got 65550",
    ],
  ] as const) {
    it(`refuses ${patch.slice(0, 40)} for ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.throws(
        () => patchModelConfig(text, patch, file),
        (thrown: Error & { code?: string }) => {
          assert.equal(thrown.code, "invalid-request");
          const said = thrown.message.replace(/^Cannot change model: /, "");
          if (typeof words === "string") assert.equal(said, words);
          else assert.match(said, words);
          return true;
        },
      );
    });
  }
});

describe("configText", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["", ""],
    ["replicas: 2 # two", "replicas: 2 # two"],
    ['{"replicas":2,"queue":{"max_rows":3}}', "replicas: 2\nqueue:\n  max_rows: 3\n"],
    ['\n {"labels":["a","1"]}', 'labels: [ a, "1" ]\n'],
    ["{ replicas: 2 }", "{ replicas: 2 }"],
    ['{"replicas":', '{"replicas":'],
    ["{}", "{}\n"],
    ['{"replicas":1,"replicas":2}', '{"replicas":1,"replicas":2}'],
  ];
  for (const [source, expected] of rows) {
    it(`makes ${JSON.stringify(expected)} of ${JSON.stringify(source)}`, () =>
      assert.equal(configText(source), expected));
  }

  it("leaves what is too deep to the check", () => {
    const source = `{"defaults":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
    assert.equal(configText(source), source);
  });

  it("leaves what is too much to the check", () => {
    const source = JSON.stringify({ labels: new Array(6_000).fill("a") });
    assert.equal(configText(source), source);
  });
});
