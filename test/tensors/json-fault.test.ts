import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findJsonFault } from "../../src/tensors/json-fault.ts";

function faultIn(body: string): string {
  const fault = findJsonFault(Buffer.from(body));
  return fault === undefined ? "none" : `${fault.expected}|${fault.got}|${fault.position}`;
}

describe("findJsonFault", () => {
  for (const [body, fault] of [
    ["", "a JSON value|the end of the body|0"],
    [" ", "a JSON value|the end of the body|1"],
    ["[1,2", "',' or ']'|the end of the body|4"],
    ["[1,]", "a JSON value|']'|3"],
    ["[1 2]", "',' or ']'|'2'|3"],
    ['{"a" 1}', "':'|'1'|5"],
    ["{a:1}", "a name in double quotes|'a'|1"],
    ['{"a":1,}', "a name in double quotes|'}'|7"],
    ['{"a":1 "b"', "',' or '}'|'\"'|7"],
    ['{"x":[1,NaN]}', "a JSON value|'NaN'|8"],
    ["[Infinity]", "a JSON value|'Infinity'|1"],
    ["[-Infinity]", "a digit|'Infinity'|2"],
    ["[1]x", "the end|'x'|3"],
    ["01", "the end|'1'|1"],
    ["[1.]", "a digit|']'|3"],
    ["[.5]", "a JSON value|'.'|1"],
    ["[1e]", "a digit|']'|3"],
    ["[+1]", "a JSON value|'+'|1"],
    ["['a']", "a JSON value|'''|1"],
    ['["a', "the closing '\"' of a string|the end of the body|3"],
    ['["a\nb"]', "an escaped control character|the byte 0x0a|3"],
    ['["\\x"]', "an escape that JSON knows|'\\'|2"],
    ['["\\u12g4"]', "four hexadecimal digits|'g4'|6"],
    ["[tru]", "a JSON value|'tru'|1"],
    ["ä", "a JSON value|the byte 0xc3|0"],
    ["// no", "a JSON value|'/'|0"],
    [`[${"A".repeat(1000)}]`, `a JSON value|'${"A".repeat(16)}'|1`],
  ] as const) {
    it(`places the fault in ${JSON.stringify(body).slice(0, 40)}`, () => {
      assert.equal(faultIn(body), fault);
    });
  }

  for (const body of [
    "null",
    " [ ] ",
    '{"a":[1,-0,0.5,1e9,1E-2,1.5e+3],"ä\\u00e4\\n":{"":[]},"b":[true,false,null]}\n',
  ]) {
    it(`finds none in ${body.trim()}`, () => {
      assert.equal(faultIn(body), "none");
    });
  }

  it("agrees with JSON.parse on 20000 mutated bodies", () => {
    const base = Buffer.from('{"a":[1,-2.5e3,"x\\u00e4\\n",true,null,{"b":[]}]}');
    const characters = Buffer.from('{}[]",:0123e.-+\\ntfu /\n');
    let state = 3;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 20_000; round += 1) {
      const body = Buffer.from(base);
      for (let change = random(3); change >= 0; change -= 1) {
        body[random(body.length)] = characters[random(characters.length)] as number;
      }
      assert.equal(findJsonFault(body) === undefined, isJson(body.toString()), body.toString());
    }
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
