import type { Nested, PredictAnswer } from "../client/answers.ts";
import type { Features } from "../client/features.ts";
import type { ModelHandle } from "../client/model-handle.ts";
import { plain } from "../platform/pretty-line.ts";
import { type Command, type Invocation, modelWord, textOption, versionOption } from "./command.ts";
import { exitCode, UsageError } from "./exit-codes.ts";
import { type GivenValue, readGiven } from "./given-value.ts";
import { imageTensor } from "./image-tensor.ts";
import { nest } from "./nest.ts";
import { clientOf, type Shell, sayJson } from "./shell.ts";
import { tableText } from "./table.ts";

export const predictCommand: Command = {
  name: "predict",
  help: "ask a model once",
  words: [
    modelWord,
    {
      name: "<value>",
      help: "rows as JSON, inputs by name as a JSON object, @file with JSON or a PNG, or - for stdin",
      completes: "files",
    },
  ],
  options: [
    versionOption,
    { flags: "--invert", help: "of a PNG: dark becomes bright, as for ink on paper" },
    {
      flags: "--white <value>",
      help: "of a PNG: what white becomes, instead of 1 (integers: 255)",
    },
  ],
  asksServer: true,
  run: async (shell, invocation) => {
    const { words, options } = invocation;
    const [name = "", text = ""] = words;
    const model = clientOf(shell, options).model(name, textOption(invocation, "version"));
    const given = await readGiven(text, shell.input);
    const input = await inputOf(given, model, { shell, invocation });
    const answer = await model.predict(input, { signal: shell.signal });
    if (options.json === true) sayJson(shell, answer);
    else shell.out.write(answerText(answer, shell));
    return exitCode.done;
  },
};

type Input = Parameters<ModelHandle["predict"]>[0];

interface Typed {
  readonly shell: Shell;
  readonly invocation: Invocation;
}

/** Throws UsageError. */
async function inputOf(given: GivenValue, model: ModelHandle, typed: Typed): Promise<Input> {
  if (given.type === "png") return pngInput(given, model, typed);
  const { value } = given;
  if (typeof value !== "object" || value === null) {
    const got = JSON.stringify(value);
    throw new UsageError(`the value must be a list of rows, or inputs by name, got ${got}`);
  }
  return bareInputs(value) as Input;
}

/** A whole body, as curl sends it, means what is in it. Throws UsageError. */
function bareInputs(value: object): unknown {
  if ("features" in value) return value.features;
  if (!("inputs" in value)) return value;
  if (!Array.isArray(value.inputs)) return value.inputs;
  throw new UsageError('inputs must be an object by name, as {"x": [[1, 2]]}, got a list');
}

async function pngInput(
  { bytes, name }: GivenValue & { readonly type: "png" },
  model: ModelHandle,
  { shell, invocation }: Typed,
): Promise<Input> {
  // Loaded only here, as most calls bring no image.
  const { readPng } = await import("./png-image.ts");
  const image = readPng(bytes, name);
  const { inputs } = await model.metadata({ signal: shell.signal });
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) {
    throw new UsageError(`a PNG is for models of one input, this one has ${inputs.length}`);
  }
  const tensor = imageTensor(image, input, {
    white: whiteOf(textOption(invocation, "white")),
    isInverted: invocation.options["invert"] === true,
  });
  if (typeof tensor === "string") throw new UsageError(tensor);
  const { width, height, data, shape } = tensor;
  if (image.width !== width || image.height !== height) {
    const words = `${name} is ${image.width} × ${image.height}, scaled to ${width} × ${height}`;
    shell.err.write(`troupe: ${plain(words)}\n`);
  }
  return { [input.name]: nest(data, shape) as Features };
}

function whiteOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const white = Number(text);
  if (text !== "" && Number.isFinite(white)) return white;
  throw new UsageError(`--white must be a number, got ${JSON.stringify(text)}`);
}

interface Row {
  readonly number: number;
  readonly label: string | undefined;
  readonly score: number | undefined;
  readonly values: Nested;
}

function answerText({ predictions, outputs, labels, warnings = [] }: PredictAnswer, shell: Shell) {
  const rows = (Array.isArray(predictions) ? predictions : [predictions]).map(
    (values: Nested, at): Row => ({
      number: at + 1,
      label: labels?.[at]?.label,
      score: labels?.[at]?.score,
      values,
    }),
  );
  const table = tableText(
    rows,
    [
      { title: "ROW", of: ({ number }) => number, align: "right" },
      { title: "LABEL", of: ({ label }) => label },
      { title: "SCORE", of: ({ score }) => score?.toFixed(4), align: "right" },
      { title: "VALUES", of: ({ values }) => JSON.stringify(values) },
    ],
    shell.paint,
  );
  const others = Object.entries(outputs ?? {}).map(
    ([name, { datatype, shape, data }]) =>
      `${plain(name)} ${datatype}[${shape.join(",")}] ${JSON.stringify(data)}\n`,
  );
  const complaints = warnings.map((warning) => `warning: ${plain(warning)}\n`);
  return [table, ...others, ...complaints].join("");
}
