/* Model-Nexus's description of a model. */
import type { FastifyInstance } from "fastify";
import { TroupeError } from "../../protocol/errors.ts";
import type { Datatype, TensorSpec } from "../../protocol/model-metadata.ts";
import type { Directory } from "../directory.ts";
import { metadataJson } from "../model-json.ts";
import type { AskSupervisor } from "../queries.ts";

interface Parts {
  readonly directory: Directory;
  readonly ask: AskSupervisor;
}

interface Query {
  readonly id?: string | readonly string[];
}

/** ONNX's `TensorProto.DataType`. */
const onnxDatatype: Readonly<Record<Datatype, number>> = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
  BF16: 16,
};

export const infoUrl = "/models/info";

/** Without an `id` the path is that of a model which is itself named `info`. */
export function addModelNexus(app: FastifyInstance, { directory, ask }: Parts): void {
  app.get<{ Querystring: Query }>(infoUrl, async ({ query: { id } }, reply) => {
    if (id === undefined) {
      reply.type("application/json");
      return ask({ type: "model", model: "info" });
    }
    if (typeof id !== "string") throw new TroupeError("invalid-request", "id was given twice");
    const { model, version } = directory.find(id, undefined);
    const { inputs, outputs } = metadataJson(model, version);
    return {
      id,
      name: model.name,
      version: version.version,
      inputs: (inputs as readonly TensorSpec[]).map(tensorJson),
      outputs: (outputs as readonly TensorSpec[]).map(tensorJson),
    };
  });
}

interface UploadedVersion {
  readonly id: string;
  readonly version: string;
  readonly path: string | null;
  readonly inputs: readonly TensorSpec[] | null;
  readonly outputs: readonly TensorSpec[] | null;
}

/** What Model-Nexus answers to an upload, with what Troupe says of it beside. */
export function nexusUpload(body: string): string {
  const uploaded = JSON.parse(body) as UploadedVersion;
  const { id, version, path, inputs, outputs } = uploaded;
  const tensors = (specs: typeof inputs) => (specs ?? []).map(tensorJson);
  const info = { inputs: tensors(inputs), outputs: tensors(outputs) };
  return JSON.stringify({ ...uploaded, model: { id, name: id, version, path }, info });
}

function tensorJson({ name, datatype, shape }: TensorSpec) {
  return { name, dtype: onnxDatatype[datatype], shape };
}
