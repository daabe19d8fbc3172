import type { TensorSpec } from "../protocol/model-metadata.ts";
import { writeBinary } from "./binary-elements.ts";
import { classify } from "./classification.ts";
import type { Answer, OutputForm, ServedModel } from "./codec.ts";
import { writeElements } from "./json-writer.ts";
import { perModel } from "./per-model.ts";
import type { Tensor } from "./tensor.ts";

/** Outputs as the Open Inference Protocol lists them. */
export interface WrittenOutputs {
  /** What stands between the brackets of the list. */
  readonly text: string;
  readonly warnings: readonly string[];
  /** The binary ones, in order; empty where they have no bytes. */
  readonly tensors: readonly Uint8Array[];
}

/** For each output of the model: everything of its text up to its datatype. */
const headsOf = perModel((model): readonly string[] =>
  model.metadata.outputs.map(({ name }) => `{"name":${JSON.stringify(name)},"datatype":"`),
);

/** Throws `invalid-request` for FP16 and BF16 that are not wanted in binary. */
export function writeOutputs(answer: Answer, model: ServedModel): WrittenOutputs {
  const heads = headsOf(model);
  const warnings: string[] = [];
  const tensors: Uint8Array[] = [];
  let text = "";
  for (let i = 0; i < answer.outputs.length; i += 1) {
    const index = answer.request.outputs[i] as number;
    const spec = model.metadata.outputs[index] as TensorSpec;
    const form = answer.request.forms?.[i];
    const tensor = inForm(answer.outputs[i] as Tensor, { form, spec, labels: model.labels });
    if (i > 0) text += ",";
    text += `${heads[index]}${tensor.datatype}","shape":[${tensor.shape.join(",")}],`;
    if (form?.isBinary === true) {
      const bytes = writeBinary(tensor);
      if (bytes.length > 0) tensors.push(bytes);
      text += `"parameters":{"binary_data_size":${bytes.length}}}`;
    } else {
      text += `"data":${writeElements(spec.name, tensor, { nested: false, warnings })}}`;
    }
  }
  return { text, warnings, tensors };
}

interface Wish {
  readonly form: OutputForm | undefined;
  readonly spec: TensorSpec;
  readonly labels: readonly string[];
}

function inForm(tensor: Tensor, { form, spec, labels }: Wish): Tensor {
  if (form === undefined || form.classes === null) return tensor;
  return classify(tensor, { most: form.classes, axis: spec.batchAxis, labels });
}
