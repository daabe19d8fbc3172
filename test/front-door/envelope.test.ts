import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, type Random, seededRandom } from "../../models/random.ts";
import { cutList, readEnvelope } from "../../src/front-door/envelope.ts";

function read(text: string): Record<string, unknown> {
  return Object.fromEntries(readEnvelope(Buffer.from(text)));
}

function isPlain(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

/** What an envelope holds of an object that JSON.parse reads. */
function plainFields(text: string): Record<string, unknown> {
  const fields = Object.entries(JSON.parse(text) as Record<string, unknown>);
  const isShort = (value: unknown) => isPlain(value) && JSON.stringify(value).length <= 400;
  return Object.fromEntries(
    fields.map(([name, value]) => [name, isShort(value) ? value : undefined]),
  );
}

describe("readEnvelope", () => {
  const rows: readonly (readonly [string, Record<string, unknown>])[] = [
    ["{}", {}],
    [" \t\r\n{ } \n", {}],
    ['{"a":1}', { a: 1 }],
    ['{ "a" : 1 , "b" : "x" }', { a: 1, b: "x" }],
    ['{"a":null,"b":true,"c":false,"d":-1.5e-3}', { a: null, b: true, c: false, d: -0.0015 }],
    ['{"a":"}","b":"]","c":","}', { a: "}", b: "]", c: "," }],
    ['{"a":"\\"","b":"\\\\","c":"\\\\\\""}', { a: '"', b: "\\", c: '\\"' }],
    ['{"\\u0061":"\\u00e4"}', { a: "ä" }],
    ['{"größe":"ä€😀"}', { größe: "ä€😀" }],
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"":""}', { "": "" }],
    ['{"x":[1,2,[3]],"a":1,"y":{"a":2}}', { x: undefined, a: 1, y: undefined }],
    ['{"x":["]","\\"]"],"a":1}', { x: undefined, a: 1 }],
    ['{"x":{"}":"{"},"a":1}', { x: undefined, a: 1 }],
    ['{"a":1,"a":[2]}', { a: undefined }],
    ['{"a":[1],"a":2}', { a: 2 }],
  ];
  for (const [text, fields] of rows) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(read(text), fields);
      assert.deepEqual(plainFields(text), fields);
    });
  }

  it("steps over tensors without parsing them, whatever they hold", () => {
    const text = '{"id":1,"features":[[1,,2],tru,{"a" 1}],"priority":"low"}';
    assert.deepEqual(read(text), { id: 1, features: undefined, priority: "low" });
  });

  it("says of what it steps over that it is there", () => {
    const envelope = readEnvelope(Buffer.from('{"x":[1],"y":1}'));
    assert.deepEqual(
      [envelope.has("x"), envelope.has("y"), envelope.has("z")],
      [true, true, false],
    );
  });

  it("steps over long values", () => {
    const long = "x".repeat(513);
    const skipped = { a: undefined, b: 1, c: undefined };
    assert.deepEqual(read(`{"a":"${long}","b":1,"c":${"1".repeat(600)}}`), skipped);
  });

  it("takes time in proportion to the length, not to its square", () => {
    const began = performance.now();
    read(`{"x":"${'\\"'.repeat(500_000)}","y":[${"[".repeat(200_000)}${"]".repeat(200_000)}]}`);
    assert.ok(performance.now() - began < 2_000);
  });

  for (const text of ["null", "1", '"a"', "[]", "[{}]"]) {
    it(`refuses ${text}, which is JSON but no object`, () =>
      assert.throws(() => read(text), { code: "invalid-request" }));
  }

  const malformed = [
    "",
    " ",
    "{",
    "}",
    "{{}}",
    "{}{}",
    "{} x",
    "{,}",
    '{"a"}',
    '{"a":}',
    '{"a":1',
    '{"a":1,}',
    '{"a":1,,"b":2}',
    '{"a":1 "b":2}',
    '{"a" 1}',
    '{"a"::1}',
    "{a:1}",
    "{1:1}",
    "{null:1}",
    "{'a':1}",
    '{"a:1}',
    '{"a":"}',
    '{"a":"\\"}',
    '{"a":"\\x"}',
    '{"a":"\n"}',
    '{"a":[}',
    '{"a":[1}',
    '{"a":{}',
    '{"a":tru}',
    '{"a":nul1}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":1.}',
    '{"a":NaN}',
    '{"a":1}}',
    '{"a":1]',
    '\ufeff{"a":1}',
  ];
  for (const text of malformed) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => JSON.parse(text));
      assert.throws(
        () => read(text),
        ({ code, message }: { code: string; message: string }) => {
          assert.equal(code, "invalid-request");
          assert.match(
            message,
            /^a frame or body must be a JSON object, but it is malformed at byte \d+(, in '.+')?$/,
          );
          return true;
        },
      );
    });
  }
});

describe("What is malformed", () => {
  for (const [text, place] of [
    ['{"id":1,"inputs":[{"name":"x","data":[1,2', ", in input 'x'"],
    ['{"id":1,"inputs":[{"name":"x","data":[1]},{"data":[1,2', ", in 'inputs' at [1]"],
    ['{"id":1,"features":[[1,2],', ", in 'features'"],
    ['{"id":1,"type":infer}', ", in 'type'"],
    ["[1,2", ""],
  ] as const) {
    it(`is said of ${text}: '${place}'`, () =>
      assert.throws(
        () => read(text),
        ({ message }: Error) => message.endsWith(place),
      ));
  }

  it("is not looked for in more than there is time for", () => {
    const text = `{"inputs":[{"name":"x","data":"${"1".repeat(2 ** 20)}`;
    assert.throws(() => read(text), /malformed at byte \d+$/);
  });
});

describe("An envelope", () => {
  const withFields = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, at]));

  it("has so many fields, and no more", () => {
    assert.deepEqual(read(JSON.stringify(withFields(64))), withFields(64));
    assert.throws(() => read(JSON.stringify(withFields(65))), {
      code: "invalid-request",
      message: "a frame or body has at most 64 fields",
    });
  });
});

describe("readEnvelope with a field to open", () => {
  const opened = (text: string) => Object.fromEntries(readEnvelope(Buffer.from(text), "p"));

  const rows: readonly (readonly [string, Record<string, unknown>])[] = [
    ['{"a":1}', { a: 1 }],
    ['{"p":{"a":[1,{"b":2}]},"x":{"p":{"a":1}}}', { p: { a: [1, { b: 2 }] }, x: undefined }],
    ['{ "p" : [ 1 , 2 ] }', { p: [1, 2] }],
    ['{"\\u0070":{}}', { p: {} }],
    ['{"p":7,"p":{"a":1}}', { p: { a: 1 } }],
    ['{"x":[tru],"p":{"}":"{"},"y":[,]}', { x: undefined, p: { "}": "{" }, y: undefined }],
  ];
  for (const [text, fields] of rows) {
    it(`reads ${text}`, () => assert.deepEqual(opened(text), fields));
  }

  const most = 4_096;
  const ofSize = (bytes: number) => ({ a: "x".repeat(bytes - '{"a":""}'.length) });

  it("opens it up to a size, and refuses what is larger", () => {
    const value = ofSize(most);
    assert.deepEqual(opened(JSON.stringify({ p: value })), { p: value });
    assert.throws(() => opened(JSON.stringify({ p: ofSize(most + 1) })), {
      code: "invalid-request",
      message: "'p' must be at most 4096 bytes, got 4097",
    });
  });

  for (const text of ['{"p":{"a":tru}}', '{"p":{"a":1,}}', '{"p":[1}}']) {
    it(`refuses ${text}, into which it looks`, () =>
      assert.throws(() => opened(text), {
        message: "a frame or body must be a JSON object, but it is malformed at byte 5, in 'p'",
      }));
  }
});

const words = ["", "a", "type", "id", 'q"uote', "back\\slash", "tab\t", "ä€😀", "}{][,:", "\u2028"];

function anyWord(random: Random): string {
  return words[Math.floor(between(random, 0, words.length))] as string;
}

function anyValue(random: Random, depth: number): unknown {
  const kind = Math.floor(between(random, 0, depth > 0 ? 7 : 5));
  switch (kind) {
    case 0:
      return null;
    case 1:
      return random() < 0.5;
    case 2:
      return Math.round(between(random, -1e6, 1e6)) / 1_000;
    case 3:
      return anyWord(random);
    case 4:
      return anyWord(random).repeat(Math.floor(between(random, 0, 30)));
    case 5:
      return Array.from({ length: 3 }, () => anyValue(random, depth - 1));
    default:
      return anyObject(random, depth - 1);
  }
}

function anyObject(random: Random, depth: number): Record<string, unknown> {
  const length = Math.floor(between(random, 0, 6));
  const fields = Array.from({ length }, () => [anyWord(random), anyValue(random, depth)] as const);
  return Object.fromEntries(fields);
}

describe("readEnvelope and JSON.parse", () => {
  it("agree on the plain fields of any object", () => {
    const random = seededRandom(12);
    for (let round = 0; round < 3_000; round += 1) {
      const value = anyObject(random, 3);
      const text = JSON.stringify(value, null, round % 3);
      assert.deepEqual(read(text), plainFields(text), text);
    }
  });

  it("agree on what is an object, where the fault is not inside a tensor", () => {
    const random = seededRandom(13);
    for (let round = 0; round < 5_000; round += 1) {
      const text = spoilt(JSON.stringify(anyObject(random, 0)), random);
      const parsed = attempt(() => JSON.parse(text));
      const envelope = attempt(() => read(text));
      const isObject = parsed !== undefined && !isPlain(parsed) && !Array.isArray(parsed);
      assert.equal(envelope !== undefined, isObject, text);
      if (isObject) assert.deepEqual(envelope, parsed, text);
    }
  });
});

describe("cutList", () => {
  const cut = (text: string, most = 3) =>
    cutList(Buffer.from(text), "of", most)?.map((item) => item.toString());

  const rows: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['{"of":[]}', []],
    ['{"of": [ {"a":[1,2]} , "x,y" ,3 ]}', ['{"a":[1,2]}', '"x,y"', "3"]],
    ['{"other":[1],"of":[[],{}]}', ["[]", "{}"]],
    ['{"of":{}}', undefined],
    ["{}", undefined],
  ];
  for (const [text, items] of rows) {
    it(`cuts ${text}`, () => assert.deepEqual(cut(text), items));
  }

  for (const text of ['{"of":[1,]}', '{"of":[1 2]}', '{"of":[,]}', '{"of":[1,2,3,4]}', "["]) {
    it(`refuses ${text}`, () => assert.throws(() => cut(text), { code: "invalid-request" }));
  }
});

/** With one character taken out, doubled or replaced; brackets are left alone, as they are only counted. */
function spoilt(text: string, random: Random): string {
  const at = Math.floor(between(random, 0, text.length));
  const replacement = ["", '"', ",", ":", " ", "x", "1", "\\"][Math.floor(between(random, 0, 8))];
  const spoiled = `${text.slice(0, at)}${replacement}${text.slice(at + Math.floor(random() * 2))}`;
  // A character outside the basic plane may have been cut in two, which bytes cannot be.
  return Buffer.from(spoiled).toString();
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

describe("cutList of a list that is malformed", () => {
  it("says where in the body it is", () =>
    assert.throws(() => cutList(Buffer.from('{"requests":[1 2]}'), "requests", 9), {
      message:
        "a frame or body must be a JSON object, but it is malformed at byte 15, in 'requests'",
    }));
});
