import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkFileName, settleFiles, UploadForm } from "../../src/front-door/upload-form.ts";

function files(...names: readonly string[]) {
  return names.map((name, at) => ({ name, path: `/x/${at}`, bytes: 1, digest: "00".repeat(32) }));
}

function filled(...fields: readonly (readonly [string, string])[]): UploadForm {
  const form = new UploadForm();
  for (const [field, value] of fields) form.set(field, value);
  return form;
}

describe("The fields of an upload", () => {
  it("say all there is to say", () => {
    const { id, named, version, config } = filled(
      ["config", "required: true"],
      ["version", "2"],
      ["id", "iris"],
    );
    assert.deepEqual([id, named, version, config], ["iris", "iris", "2", "required: true"]);
  });

  it("may name the model by name, which is any title where there is an id", () => {
    assert.equal(filled(["name", "iris"]).named, "iris");
    const title = ["name", "Fisher's irises"] as const;
    assert.equal(filled(["id", "iris"], title).named, "iris");
    assert.equal(filled(title, ["id", "iris"]).named, "iris");
    assert.throws(() => filled(title).named, /^TroupeError: name must be 1 to 64 /);
  });

  const refusals: readonly (readonly [string, readonly (readonly [string, string])[], RegExp])[] = [
    ["no name", [["id", "../x"]], /^id must be 1 to 64 .*, got '..\/x'$/],
    ["no name of a version", [["version", ""]], /^version must be/],
    [
      "a version whose folder would be taken for a model's file",
      [["version", "x.onnx"]],
      /^version must be 1 to 64 .*, no .onnx at the end, .*, got 'x.onnx'$/,
    ],
    [
      "a version whose folder would be taken for the configuration",
      [["version", "model.yaml"]],
      /^version must be .* not model.yaml, got 'model.yaml'$/,
    ],
    ["an unknown field", [["verison", "2"]], /^unknown field 'verison'; known are file, model, id/],
    ["a prototype", [["__proto__", "2"]], /^unknown field/],
    ["a file that is none", [["file", "x"]], /^file came as a text; send a file: -F file=@x$/],
    [
      "two names",
      [
        ["id", "a"],
        ["id", "a"],
      ],
      /^id was given twice$/,
    ],
    [
      "two titles",
      [
        ["name", "a"],
        ["name", "a"],
      ],
      /^name was given twice$/,
    ],
    [
      "two versions",
      [
        ["version", "1"],
        ["version", "2"],
      ],
      /^version was given twice$/,
    ],
    [
      "two configurations",
      [
        ["config", ""],
        ["config", ""],
      ],
      /^config was given twice$/,
    ],
  ];
  for (const [what, fields, message] of refusals) {
    it(`are refused: ${what}`, () =>
      assert.throws(() => filled(...fields), { code: "invalid-request", message }));
  }

  it("have to name the model", () => {
    assert.throws(() => filled().named, { code: "invalid-request", message: /^id must name/ });
  });
});

describe("The files of an upload", () => {
  const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["iris.onnx"], ["model.onnx"]],
    [["..."], ["model.onnx"]],
    [[""], ["model.onnx"]],
    [
      ["iris.onnx", "iris.onnx.data"],
      ["iris.onnx", "iris.onnx.data"],
    ],
    [
      ["w.bin", "iris.onnx"],
      ["w.bin", "iris.onnx"],
    ],
  ];
  for (const [came, stored] of rows) {
    it(`are stored as ${stored}: ${JSON.stringify(came)}`, () =>
      assert.deepEqual(
        settleFiles(files(...came)).map(({ name }) => name),
        stored,
      ));
  }

  const refusals: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^exactly one file must end in .onnx, got none$/],
    [["a", "b"], /^exactly one .*, got 'a', 'b'$/],
    [["a.onnx", "b.onnx"], /^exactly one/],
    [["a.onnx", "b", "b"], /^files must have different names/],
    [["a.onnx", "model.yaml"], /^a file beside the model .*'model.yaml'$/],
    [["a.onnx", "model.YML"], /^a file beside/],
    [["a.onnx", "b.ONNX"], /^a file beside/],
    [["a.onnx", ".hidden"], /^the name of a file must be 1 to 64/],
    [["a.onnx", "ä"], /^the name of a file/],
    [["a.onnx", ""], /^the name of a file/],
    [["a b.onnx", "b"], /^the name of a file/],
  ];
  for (const [came, message] of refusals) {
    it(`are refused: ${JSON.stringify(came)}`, () =>
      assert.throws(() => settleFiles(files(...came)), { code: "invalid-request", message }));
  }

  for (const name of ["../model.onnx", "/etc/passwd", "a\\b", "a\0b"]) {
    it(`are no paths: ${JSON.stringify(name)}`, () =>
      assert.throws(() => checkFileName(name), { code: "invalid-request" }));
  }
});
