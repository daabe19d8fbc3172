import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  besideOf,
  type Entry,
  type Layout,
  type Listing,
  layOut,
} from "../../src/config/model-layout.ts";
import { versionRule } from "../../src/protocol/model-name.ts";

function files(...names: readonly string[]): Entry[] {
  return names.map((name) => ({ name, kind: "file" }));
}

function listing(
  entries: readonly Entry[],
  folders: Record<string, readonly Entry[]> = {},
): Listing {
  return { entries, folders: new Map(Object.entries(folders)) };
}

function flat(name: string): Layout {
  return { type: "found", versions: [{ type: "good", version: "1", path: [name] }] };
}

function problem(words: string): Layout {
  return { type: "problem", problem: words };
}

function bad(version: string, words: string): Layout {
  return { type: "found", versions: [{ type: "bad", version, problem: words }] };
}

describe("layOut", () => {
  const rows: readonly (readonly [string, Listing, Layout])[] = [
    ["takes model.onnx", listing(files("model.onnx")), flat("model.onnx")],
    ["takes the only .onnx file", listing(files("mnist.onnx", "LICENSE")), flat("mnist.onnx")],
    ["prefers model.onnx", listing(files("a.onnx", "model.onnx")), flat("model.onnx")],
    ["overlooks hidden files", listing(files("._a.onnx", "a.onnx")), flat("a.onnx")],
    [
      "overlooks folders without .onnx files",
      listing(files("model.onnx"), { assets: files("a.txt") }),
      flat("model.onnx"),
    ],
    [
      "sorts versions as numbers",
      listing([], { "10": files("model.onnx"), "9": files("x.onnx"), docs: files("a.md") }),
      {
        type: "found",
        versions: [
          { type: "good", version: "9", path: ["9", "x.onnx"] },
          { type: "good", version: "10", path: ["10", "model.onnx"] },
        ],
      },
    ],
    ["finds nothing in nothing", listing([]), problem("holds no .onnx file")],
    [
      "finds nothing in folders without .onnx files",
      listing(files("model.yaml"), { "1": files("a.txt") }),
      problem("holds no .onnx file"),
    ],
    [
      "cannot choose among several",
      listing(files("b.onnx", "a.onnx")),
      problem("holds several .onnx files (a.onnx, b.onnx) and none is called model.onnx"),
    ],
    [
      "takes a file beside folders of versions as version 1",
      listing(files("net.onnx", "model.yaml"), { "2": files("model.onnx"), "0": files("a.onnx") }),
      {
        type: "found",
        versions: [
          { type: "good", version: "0", path: ["0", "a.onnx"] },
          { type: "good", version: "1", path: ["net.onnx"] },
          { type: "good", version: "2", path: ["2", "model.onnx"] },
        ],
      },
    ],
    [
      "takes a file beside a folder 1 that holds no .onnx file",
      listing(files("model.onnx"), { "1": files("a.txt") }),
      flat("model.onnx"),
    ],
    [
      "cannot choose between a file and a folder 1",
      listing(files("model.onnx"), { "1": files("a.onnx"), "2": files("a.onnx") }),
      problem("holds version 1 twice: model.onnx and the folder 1"),
    ],
    [
      "cannot choose among several files beside folders of versions",
      listing(files("b.onnx", "a.onnx"), { "2": files("model.onnx") }),
      problem("holds several .onnx files (a.onnx, b.onnx) and none is called model.onnx"),
    ],
    [
      "refuses a linked file",
      listing([{ name: "model.onnx", kind: "link" }]),
      problem("model.onnx is a symbolic link"),
    ],
    [
      "refuses a link to a folder in the place of a file",
      listing([{ name: "model.onnx", kind: "link-to-folder" }]),
      problem("model.onnx is a symbolic link"),
    ],
    [
      "refuses a folder in the place of a file",
      listing([{ name: "model.onnx", kind: "folder" }]),
      problem("model.onnx is not a regular file"),
    ],
    [
      "refuses a pipe",
      listing([{ name: "a.onnx", kind: "other" }]),
      problem("a.onnx is not a regular file"),
    ],
    [
      "marks a version with several files",
      listing([], { "1": files("a.onnx", "b.onnx") }),
      bad(
        "1",
        "version 1: holds several .onnx files (a.onnx, b.onnx) and none is called model.onnx",
      ),
    ],
    [
      "marks a version with a linked file",
      listing([], { "1": [{ name: "model.onnx", kind: "link" }] }),
      bad("1", "version 1: model.onnx is a symbolic link"),
    ],
    [
      "marks a version whose folder is a link",
      listing([{ name: "latest", kind: "link-to-folder" }]),
      bad("latest", "version latest is a symbolic link"),
    ],
    [
      "marks a version with a name that is none",
      listing([], { "v 1": files("model.onnx") }),
      bad("v 1", `the name of version "v 1" is not ${versionRule}`),
    ],
    [
      "marks a version that is called like the configuration",
      listing([], { "model.yaml": files("model.onnx") }),
      bad("model.yaml", `the name of version "model.yaml" is not ${versionRule}`),
    ],
    [
      "marks a version with a model.yaml of its own",
      listing([], { "1": files("model.onnx", "model.yaml") }),
      bad("1", "version 1: model.yaml belongs beside the folders of versions"),
    ],
  ];
  for (const [behaviour, given, expected] of rows) {
    it(behaviour, () => assert.deepEqual(layOut(given), expected));
  }

  it("takes no other file than the one that is named", () => {
    const given = listing(files("model.onnx", "net.onnx"));
    assert.deepEqual(layOut(given, "net.onnx"), flat("net.onnx"));
    assert.deepEqual(layOut(listing(files("a.onnx")), "b.onnx"), problem("holds no b.onnx"));
  });
});

describe("besideOf", () => {
  const weights = files("b.bin", "a.onnx", "a10.bin", "a2.bin", "a.onnx.data", "LICENSE");
  const others = files("a.yaml", "a.YML", "README.md", ".a.bin", "x.onnx");
  const strange: readonly Entry[] = [
    { name: "link.bin", kind: "link" },
    { name: "pipe", kind: "other" },
    { name: "2", kind: "folder" },
  ];
  const given = listing([...weights, ...others, ...strange], { "2": files("c.bin", "a.onnx") });

  for (const [path, expected] of [
    [["a.onnx"], ["LICENSE", "a2.bin", "a10.bin", "a.onnx.data", "b.bin"]],
    [["2", "a.onnx"], ["c.bin"]],
    [["3", "a.onnx"], []],
  ] as const) {
    it(`finds what stands beside ${path.join("/")}`, () =>
      assert.deepEqual(besideOf(given, path), expected));
  }
});
