/* The keys of a config.pbtxt that name tensors: inputs, outputs and the state of sequences. */
import type { Datatype } from "../protocol/model-metadata.ts";
import type { TritonTensor } from "../protocol/model-settings.ts";
import { fault, integer, readText, refuse } from "./config-field.ts";
import { shorten } from "./quote.ts";
import {
  harmless,
  message,
  type PbtxtField,
  type Rule,
  type Rules,
  readDatatype,
  readMessage,
  refused,
  refusedUnless,
  type TritonDraft,
  value,
  warnedUnless,
} from "./triton-draft.ts";

const maxDim = 2_147_483_647;

/** What one of the messages says, while it is read. */
export class TensorDraft {
  name = "";
  output = "";
  datatype: Datatype | null = null;
  dims: readonly number[] = [];

  /** Rules that fill this one. */
  get rules(): Rules {
    return {
      name: value(readText, (name) => {
        this.name = name;
      }),
      data_type: value(readDatatype, (datatype) => {
        this.datatype = datatype;
      }),
      dims: ({ values, place }) => {
        this.dims = values.map((node) => {
          const dim = integer(0, -1, maxDim).read(node, place);
          if (dim === 0) throw refuse(node, place, "-1 or at least 1");
          return dim;
        });
      },
    };
  }

  tensor({ place }: PbtxtField, line: number, name: string): TritonTensor {
    if (name === "") throw fault(place, line, `${place.path} has no name`);
    const { datatype, dims } = this;
    if (datatype === null)
      throw fault(place, line, `${place.path} ${shorten(name)} has no data_type`);
    if (dims.length === 0) throw fault(place, line, `${place.path} ${shorten(name)} has no dims`);
    return { name, datatype, dims, line };
  }
}

const otherLayout = "asks for a layout of the tensor that Troupe does not make";

const inputKeys: Rules = {
  format: harmless,
  reshape: refused("gives the model another shape than clients send, which Troupe does not"),
  is_shape_tensor: refusedUnless("false", "is TensorRT's"),
  is_non_linear_format_io: refusedUnless("false", otherLayout),
  allow_ragged_batch: refusedUnless(
    "false",
    "joins rows of different shapes, which Troupe does not",
  ),
  optional: warnedUnless("false", "every request must have the input"),
};

const outputKeys: Rules = {
  label_filename: value(readText, (name, { place, line }, draft) => {
    if (name === "") return;
    draft.labelFile ??= { name, line };
    if (draft.labelFile.name === name) return;
    draft.warn(place, line, "a model has labels of one kind, which are those of the first file");
  }),
  reshape: refused("gives clients another shape than the model's, which Troupe does not"),
  is_shape_tensor: refusedUnless("false", "is TensorRT's"),
  is_non_linear_format_io: refusedUnless("false", otherLayout),
};

function tensors(keys: Rules, listOf: (draft: TritonDraft) => TritonTensor[]): Rule {
  return (field, draft) => {
    for (const node of field.values) {
      const tensor = new TensorDraft();
      readMessage({ ...tensor.rules, ...keys }, node, field.place, draft);
      add(listOf(draft), tensor.tensor(field, node.line, tensor.name), field);
    }
  };
}

function add(list: TritonTensor[], tensor: TritonTensor, { place }: PbtxtField): void {
  if (list.some(({ name }) => name === tensor.name)) {
    throw fault(place, tensor.line, `${place.path} ${shorten(tensor.name)} stands there twice`);
  }
  list.push(tensor);
}

export const input = tensors(inputKeys, ({ inputs }) => inputs);
export const output = tensors(outputKeys, ({ outputs }) => outputs);

const initialStateKeys: Rules = {
  name: harmless,
  data_type: harmless,
  dims: harmless,
  zero_data: refusedUnless("true", "must be true"),
  data_file: refused("is not read: Troupe begins with zeros, or with `initial` in model.yaml"),
};

const ownMemory = "Troupe keeps each sequence's state in memory of its own";

function stateKeys(state: TensorDraft): Rules {
  const { dims, data_type } = state.rules;
  return {
    ...{ dims: dims ?? harmless, data_type: data_type ?? harmless },
    input_name: value(readText, (name) => {
      state.name = name;
    }),
    output_name: value(readText, (name) => {
      state.output = name;
    }),
    initial_state: message(initialStateKeys),
    use_same_buffer_for_input_output: warnedUnless("false", ownMemory),
    use_growable_memory: warnedUnless("false", ownMemory),
  };
}

/** `sequence_batching.state`: model.yaml's `state`. */
export const states: Rule = (field, draft) => {
  const pairs = field.values.map((node) => {
    const state = new TensorDraft();
    readMessage(stateKeys(state), node, field.place, draft);
    add(draft.stateInputs, state.tensor(field, node.line, state.name), field);
    add(draft.stateOutputs, state.tensor(field, node.line, state.output), field);
    return { input: state.name, output: state.output };
  });
  draft.put("state", pairs, field.line);
};
