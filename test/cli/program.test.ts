import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runProgram } from "../../src/cli/program.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { plainPaint } from "./paint.ts";

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function run(...argv: readonly string[]) {
  const said = { out: "", err: "" };
  const sink = (name: "out" | "err") => ({
    isTerminal: false,
    columns: 80,
    write: (text: string) => {
      said[name] += text;
    },
  });
  const shell: Shell = {
    out: sink("out"),
    err: sink("err"),
    input: nothing(),
    paint: plainPaint,
    // Nobody listens at the port that only the system may give away.
    environment: { url: "http://127.0.0.1:2", apiKey: undefined, colours: false },
    signal: new AbortController().signal,
  };
  return { code: await runProgram(argv, shell), ...said };
}

describe("the command line", () => {
  for (const [argv, err] of [
    [["stat"], "troupe: unknown command 'stat' (Did you mean status?)\n"],
    [["models", "--bogus"], "troupe: unknown option '--bogus'\n"],
    [["predict", "iris"], "troupe: missing required argument 'value'\n"],
    [
      ["models", "--timeout-ms", "x"],
      'troupe: --timeout-ms must be a whole number above 0, got "x"\n',
    ],
    [
      ["models", "--url", "ftp://x"],
      "troupe: the server's URL must be one of http or https, got 'ftp://x'\n",
    ],
    [["completion", "tcsh"], 'troupe: the shell must be one of bash, zsh, fish, got "tcsh"\n'],
    [["doctor", "/nowhere.onnx"], "troupe: cannot read /nowhere.onnx: there is no such file\n"],
    [["upload", "nowhere.onnx"], "troupe: cannot read nowhere.onnx: there is no such file\n"],
    [["upload", "a/model.onnx"], "troupe: --id must name the model, as the file's name does not\n"],
    [["upload", "/nowhere.onnx"], "troupe: cannot read /nowhere.onnx: there is no such file\n"],
    [["upload", "/", "--id", "iris"], "troupe: cannot read /: it is a folder\n"],
    [["logs", "--since", "x"], 'troupe: --since must be a whole number from 0, got "x"\n'],
  ] as const) {
    it(`says in one line what is wrong with ${argv.join(" ")}, and exits with 2`, async () => {
      assert.deepEqual(await run(...argv), { code: 2, out: "", err });
    });
  }

  it("exits with 3 where nobody listens", async () => {
    const { code, err } = await run("models", "--timeout-ms", "2000");
    assert.equal(code, 3, err);
    assert.match(err, /^troupe: cannot reach http:\/\/127\.0\.0\.1:2: .*\(unreachable\)\n$/);
  });

  it("says failures in JSON where answers are", async () => {
    const { err } = await run("models", "--timeout-ms", "2000", "--json");
    assert.equal((JSON.parse(err) as { code: string }).code, "unreachable");
  });

  for (const [argv, error] of [
    [["predict", "iris", "x", "--json"], /^the value must be JSON or @file/],
    [["models", "--json", "--bogus"], /^unknown option '--bogus'$/],
  ] as const) {
    it(`says in JSON what is wrong with ${argv.join(" ")}`, async () => {
      const { code, err } = await run(...argv);
      const said = JSON.parse(err) as { error: string; code: string };
      assert.deepEqual([code, said.code], [2, "invalid-request"]);
      assert.match(said.error, error);
    });
  }

  it("prints help and version, and exits with 0", async () => {
    assert.match((await run("help")).out, /^Usage: troupe .*\n[\s\S]*Exit codes: 0 done/);
    const help = await run("predict", "--help");
    assert.match(help.out, /^Usage: troupe predict \[options\] <model> <value>/);
    assert.match(help.out, / that version; else the default one\n/);
    assert.match((await run("unload", "--help")).out, / that version only\n/);
    assert.equal(help.code, 0);
  });

  it("completes what it knows", async () => {
    const { out } = await run("completion", "bash");
    assert.match(
      out,
      /compgen -W "serve status models upload load unload predict stream logs doctor/,
    );
  });
});
