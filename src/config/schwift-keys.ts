/* Every key of SchwiftServe's YAML, and what becomes of it here. */
import type { Datatype } from "../protocol/model-metadata.ts";
import { isName, isVersionName, nameRule, versionRule } from "../protocol/model-name.ts";
import type { SchwiftTensor } from "../protocol/model-settings.ts";
import {
  boolean,
  fault,
  integer,
  isGiven,
  type Place,
  type Read,
  readText,
  refuse,
} from "./config-field.ts";
import { quote } from "./quote.ts";
import {
  message,
  type PbtxtField,
  type Rule,
  type Rules,
  TritonDraft,
  value,
  warned,
} from "./triton-draft.ts";
import type { YamlNode } from "./yaml-tree.ts";

/** Filled while a file of SchwiftServe's is read. */
export class SchwiftDraft extends TritonDraft {
  override readonly messageWords = "a map";
  name: string | null = null;
  version = "1";
  file: string | null = null;
  input: SchwiftTensor | null = null;
  output: SchwiftTensor | null = null;
  #line = 1;

  read(field: PbtxtField, rules: (draft: SchwiftDraft) => Rules): void {
    this.#line = field.line;
    message(rules(this))(field, this);
  }

  /** Throws TroupeError `invalid-model` where it has not been said. */
  identity({ file }: Place) {
    const { name, version, file: modelFile } = this;
    const lacks = name === null ? "name" : "model_args.model_file";
    if (name !== null && modelFile !== null) return { name, version, modelFile };
    throw fault({ file, path: "" }, this.#line, `model has no ${lacks}`);
  }
}

const weekMs = 604_800_000;
const otherBackends = ["sklearn", "python", "torch"];

const readDelay: Read<number> = (node, place) => {
  const ms = node.type === "scalar" ? node.value : null;
  if (typeof ms === "number" && ms >= 0 && ms <= weekMs) return ms;
  throw refuse(node, place, `milliseconds, a number from 0 to ${weekMs}`);
};

const delay: Rule = value(readDelay, (ms, { place, line }, draft) => {
  const whole = Math.round(ms);
  if (whole !== ms) {
    draft.warn(place, line, `Troupe counts whole milliseconds, and takes ${whole} of them`);
  }
  draft.put("batching.max_queue_delay_ms", whole, line);
});

const backend: Rule = value(readText, (name, { place, line }) => {
  if (name === "onnx") return;
  const isTheirs = otherBackends.includes(name);
  const why = isTheirs ? "comes with other kinds of hosts, which are not built yet" : "is unknown";
  throw fault(place, line, `${place.path} must be 'onnx', got ${quote(name)}, which ${why}`);
});

const device: Rule = value(readText, (name, { place, line }, draft) => {
  if (/^cpu(:\d+)?$/i.test(name)) return;
  const words = "hosts run on the CPU; session.execution_providers in a model.yaml names others";
  draft.warn(place, line, words);
});

/** Names of numpy's and torch's, as SchwiftServe takes them. */
const datatypes: Readonly<Record<string, Datatype>> = {
  bool: "BOOL",
  uint8: "UINT8",
  uint16: "UINT16",
  uint32: "UINT32",
  uint64: "UINT64",
  int8: "INT8",
  int16: "INT16",
  int32: "INT32",
  int64: "INT64",
  int: "INT64",
  float16: "FP16",
  half: "FP16",
  bfloat16: "BF16",
  float32: "FP32",
  float: "FP32",
  float64: "FP64",
  double: "FP64",
  str: "BYTES",
  string: "BYTES",
};

const readDatatype: Read<Datatype> = (node, place) => {
  const name = node.type === "scalar" ? node.text.replace(/^(np|numpy|torch)\./, "") : "";
  const datatype = Object.hasOwn(datatypes, name) ? datatypes[name] : undefined;
  if (datatype !== undefined) return datatype;
  throw refuse(node, place, `one of ${Object.keys(datatypes).join(", ")}`);
};

/** Nothing, as -1, stands for any size. */
const readShape: Read<readonly number[]> = (node, place) => {
  if (node.type !== "list") throw refuse(node, place, "a list of sizes");
  return node.items.map((item, at) => {
    const isOpen = item.type === "scalar" && item.value === null;
    const itemPlace = { ...place, path: `${place.path}[${at}]` };
    return isOpen ? -1 : integer(0, -1, Number.MAX_SAFE_INTEGER).read(item, itemPlace);
  });
};

function tensor(take: (tensor: SchwiftTensor) => void): Rule {
  return (field, draft) => {
    let datatype: Datatype | null = null;
    let shape: readonly number[] | null = null;
    const keys: Rules = {
      type: value(readText, (type, { place, line }) => {
        if (type !== "tensor" && type !== "array" && type !== "ndarray") {
          draft.warn(place, line, "what the model's own file says it takes and gives holds");
        }
      }),
      shape: value(readShape, (read) => {
        shape = read;
      }),
      dtype: value(readDatatype, (read) => {
        datatype = read;
      }),
    };
    message(keys)(field, draft);
    take({ datatype, shape, line: field.line });
  };
}

/** Refused where it is there at all, unless it is empty. */
const changesAnswers: Rule = ({ values: [node], place, line }) => {
  const isEmpty = !isGiven(node) || (node.type === "map" && node.entries.length === 0);
  if (isEmpty) return;
  throw fault(place, line, `${place.path} is for code around a model, which Troupe does not run`);
};

export function schwiftKeys(draft: SchwiftDraft): Rules {
  const keys: Rules = {
    name: value(readText, (name, { place, line }) => {
      if (!isName(name))
        throw fault(place, line, `${place.path} must be ${nameRule}, got ${quote(name)}`);
      draft.name = name;
    }),
    version: value(readText, (version, { place, line }) => {
      if (!isVersionName(version)) {
        throw fault(place, line, `${place.path} must be ${versionRule}, got ${quote(version)}`);
      }
      draft.version = version;
    }),
    description: value(readText, (text, { line }) => draft.put("description", text, line)),
    backend,
    model_args: message({
      model_file: value(readText, (file) => {
        draft.file = file;
      }),
      device,
      class: changesAnswers,
      kwargs: changesAnswers,
    }),
    input: tensor((read) => {
      draft.input = read;
    }),
    output: tensor((read) => {
      draft.output = read;
    }),
    preferred_batch_size: warned("Troupe finds by measuring which sizes of a batch pay"),
    max_batch_delay_ms: delay,
    rush_batch_size: warned(
      "an idle host waits no longer once batching.max_batch_size rows are there",
    ),
    caching: value(boolean(false).read, (isWanted, { place, line }) => {
      if (isWanted) draft.warn(place, line, "every request is run");
    }),
  };
  return Object.fromEntries(Object.entries(keys).map(([key, rule]) => [key, whereGiven(rule)]));
}

/** A key with nothing behind it is the same as no key. */
function whereGiven(rule: Rule): Rule {
  return (field, draft) => {
    if (field.values.some((node: YamlNode) => isGiven(node))) rule(field, draft);
  };
}
