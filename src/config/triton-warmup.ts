/* `model_warmup` of a config.pbtxt: requests that are run before a host is ready. */
import type { Datatype } from "../protocol/model-metadata.ts";
import { fault, integer, readText } from "./config-field.ts";
import type { PlainValue } from "./plain-value.ts";
import { shorten } from "./quote.ts";
import {
  harmless,
  type PbtxtField,
  type Rule,
  type Rules,
  readMessage,
  type TritonDraft,
  value,
} from "./triton-draft.ts";
import { TensorDraft } from "./triton-tensors.ts";
import type { YamlNode } from "./yaml-tree.ts";

/** Of all requests together: more would make every start slow. */
const maxElements = 65_536;
const maxCount = 100;

type Filling = "zeros" | "random" | "file" | null;

class SampleDraft {
  batchSize = 1;
  count = 1;
  readonly inputs: (TensorDraft & { filling: Filling })[] = [];

  get rules(): Rules {
    return {
      name: harmless,
      batch_size: value(integer(1, 0, 1_000_000).read, (rows) => {
        this.batchSize = Math.max(1, rows);
      }),
      inputs: ({ values, place }, draft) => {
        for (const node of values)
          this.#addInput(node, { values: [node], place, line: node.line }, draft);
      },
      count: value(integer(1, 0, maxCount).read, (count) => {
        this.count = Math.max(1, count);
      }),
    };
  }

  #addInput(node: YamlNode, field: PbtxtField, draft: TritonDraft): void {
    const input = Object.assign(new TensorDraft(), { filling: null as Filling });
    const fill =
      (filling: Filling): Rule =>
      () => {
        input.filling = filling;
      };
    const { data_type, dims } = input.rules;
    const valueKeys: Rules = {
      ...{ data_type: data_type ?? harmless, dims: dims ?? harmless },
      zero_data: fill("zeros"),
      random_data: fill("random"),
      input_data_file: fill("file"),
    };
    const keys: Rules = {
      key: value(readText, (name) => {
        input.name = name;
      }),
      value: ({ values, place }) => readMessage(valueKeys, values[0], place, draft),
    };
    readMessage(keys, node, field.place, draft);
    const { path } = field.place;
    if (input.name === "") throw fault(field.place, node.line, `${path} has no key`);
    if (input.datatype === null)
      throw fault(field.place, node.line, `${path} ${shorten(input.name)} has no data_type`);
    if (input.filling === null)
      throw fault(field.place, node.line, `${path} ${shorten(input.name)} has no data`);
    this.inputs.push(input);
  }
}

export const warmups: Rule = (field, draft) => {
  const requests: PlainValue[] = [];
  let elements = 0;
  for (const node of field.values) {
    const sample = new SampleDraft();
    readMessage(sample.rules, node, field.place, draft);
    const size = sample.count * elementsOf(sample, draft);
    const reason = elements + size > maxElements ? "is too large" : obstacle(sample);
    if (reason === null) {
      elements += size;
      const request = { inputs: tensorsOf(sample, draft) };
      for (let copy = 0; copy < sample.count; copy += 1) requests.push(request);
    } else {
      draft.warn(field.place, node.line, `a request ${reason}; Troupe leaves it out`);
    }
  }
  // Without any, rows are made up.
  if (requests.length > 0) draft.put("warmup", requests, field.line);
};

function elementsOf(sample: SampleDraft, draft: TritonDraft): number {
  const counts = sample.inputs.map((input) => sizeOf(shapeOf(input, sample, draft)));
  return counts.reduce((sum, count) => sum + count, 0);
}

function obstacle({ inputs }: SampleDraft): string | null {
  if (inputs.some(({ filling }) => filling === "file")) return "reads its data from a file";
  if (inputs.some(({ dims }) => dims.includes(-1))) return "has a dim of -1";
  const hasNoJson = inputs.some(({ datatype }) => datatype === "FP16" || datatype === "BF16");
  return hasNoJson ? "has 16-bit numbers" : null;
}

/** As JSON of the Open Inference Protocol has it. */
type Tensor = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: Datatype;
  readonly data: readonly (number | string | boolean)[];
};

function tensorsOf(sample: SampleDraft, draft: TritonDraft): readonly Tensor[] {
  return sample.inputs.map((input) => {
    const shape = shapeOf(input, sample, draft);
    const datatype = input.datatype ?? "FP32";
    const fill = fillers[kindOf(datatype)][input.filling === "random" ? "random" : "zeros"];
    const data = Array.from({ length: sizeOf(shape) }, (_, at) => fill(at));
    return { name: input.name, shape, datatype, data };
  });
}

function shapeOf(
  { dims }: TensorDraft,
  sample: SampleDraft,
  draft: TritonDraft,
): readonly number[] {
  return draft.maxBatchSize > 0 ? [sample.batchSize, ...dims] : dims;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * Math.max(1, size), 1);
}

function kindOf(datatype: Datatype): keyof typeof fillers {
  if (datatype === "BOOL" || datatype === "BYTES") return datatype;
  return datatype.startsWith("FP") ? "float" : "integer";
}

type Filler = (at: number) => number | string | boolean;

/** From 0 to 65535, scattered, the same at each start. */
function scattered(at: number): number {
  return (Math.imul(at + 1, 2_654_435_761) >>> 16) & 0xffff;
}

/** Integers stay small, as many are indices of a table. */
const fillers: Readonly<
  Record<"float" | "integer" | "BOOL" | "BYTES", Readonly<Record<"zeros" | "random", Filler>>>
> = {
  float: { zeros: () => 0, random: (at) => scattered(at) / 65_536 },
  integer: { zeros: () => 0, random: (at) => scattered(at) % 2 },
  BOOL: { zeros: () => false, random: (at) => scattered(at) % 2 === 1 },
  BYTES: { zeros: () => "", random: (at) => String(scattered(at)) },
};
