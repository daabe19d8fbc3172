import type { Tensor } from "../tensors/tensor.ts";
import type { RawAnswer } from "./client-error.ts";
import type { Headers } from "./platform.ts";
import type { OutputTensor } from "./typed-tensors.ts";

/** A request of the Open Inference Protocol V2 before it is written. */
export interface InferRequest {
  readonly id?: string | undefined;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Names of those that are wanted, in that order; undefined for all. */
  readonly outputs?: readonly string[] | undefined;
  readonly parameters?: Readonly<Record<string, string | number | boolean>> | undefined;
}

export interface InferAnswer {
  readonly model: string;
  readonly version: string;
  readonly id: string | undefined;
  readonly outputs: Readonly<Record<string, OutputTensor>>;
  /** What could not be written as it is, such as a NaN in JSON. */
  readonly warnings: readonly string[];
}

export interface WrittenRequest {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Headers;
}

/** One way to write tensors on the wire. */
export interface InferCodec {
  write(request: InferRequest): WrittenRequest;
  /** Throws `unexpected-answer`. */
  read(answer: RawAnswer): InferAnswer;
}

/** The answer's JSON, as far as it is looked at. */
export interface AnswerHead {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly parameters?: { readonly warnings?: readonly string[] };
  readonly outputs: readonly OutputHead[];
}

export interface OutputHead {
  readonly name: string;
  readonly datatype: OutputTensor["datatype"];
  readonly shape: readonly number[];
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size?: number };
}

export function answerOf(
  head: AnswerHead,
  dataOf: (output: OutputHead) => OutputTensor["data"],
): InferAnswer {
  const { model_name: model, model_version: version, id, parameters } = head;
  const outputs = Object.fromEntries(
    head.outputs.map((output): [string, OutputTensor] => {
      const { name, datatype, shape } = output;
      return [name, { datatype, shape, data: dataOf(output) }];
    }),
  );
  return { model, version, id, outputs, warnings: parameters?.warnings ?? [] };
}
