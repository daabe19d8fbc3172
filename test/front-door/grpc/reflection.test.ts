import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerTo } from "../../../src/front-door/grpc/reflection.ts";

const bytes = Buffer.of(1);
const files = [
  { name: "b.proto", services: ["b.S"], symbols: new Set(["b.S", "b.S.M", "b.T"]), bytes },
  { name: "a.proto", services: ["a.S"], symbols: new Set(["a.S"]), bytes: Buffer.of(2) },
];
const found = { file_descriptor_response: { file_descriptor_proto: [bytes] } };

function failed(error_code: number, error_message: string) {
  return { error_response: { error_code, error_message } };
}

const answers: readonly (readonly [string, unknown, unknown])[] = [
  [
    "list_services",
    "",
    { list_services_response: { service: [{ name: "a.S" }, { name: "b.S" }] } },
  ],
  ["file_by_filename", "b.proto", found],
  ["file_by_filename", "c.proto", failed(5, "no file 'c.proto'")],
  ["file_containing_symbol", "b.S.M", found],
  ["file_containing_symbol", "c.S", failed(5, "no symbol 'c.S'")],
  [
    "all_extension_numbers_of_type",
    "b.T",
    { all_extension_numbers_response: { base_type_name: "b.T" } },
  ],
  ["all_extension_numbers_of_type", "c.T", failed(5, "no type 'c.T'")],
  ["file_containing_extension", {}, failed(5, "no type has extensions")],
];

describe("answerTo", () => {
  for (const [asked, value, expected] of answers) {
    it(`answers ${asked} ${JSON.stringify(value)}`, () =>
      assert.deepEqual(answerTo({ message_request: asked, [asked]: value }, files), expected));
  }

  it("refuses a question that asks nothing", () =>
    assert.deepEqual(answerTo({}, files), failed(3, "message_request must be set")));
});
