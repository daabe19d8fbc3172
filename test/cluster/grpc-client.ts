/* The real grpc-js client, with the .proto files that Troupe ships. */
import { createServer } from "node:net";
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import { defineService, encode } from "../../src/front-door/grpc/definitions.ts";
import { loadProto } from "../../src/front-door/grpc/proto-files.ts";

// biome-ignore lint/suspicious/noExplicitAny: what comes is whatever the .proto says.
export type Message = any;

const inference = loadProto("inference.proto");
const health = loadProto("grpc/health/v1/health.proto");
const reflection = loadProto("grpc/reflection/v1/reflection.proto");
const services = {
  inference: inference.lookupService("inference.GRPCInferenceService"),
  health: health.lookupService("grpc.health.v1.Health"),
  reflection: reflection.lookupService("grpc.reflection.v1.ServerReflection"),
};

export interface Outcome {
  readonly code: number;
  readonly details: string;
  /** Undefined where the call failed. */
  readonly message: Message;
  readonly trailers: Readonly<Record<string, unknown>>;
}

export interface CallExtras {
  readonly deadlineMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** One that nobody listens on, at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === "object" && address !== null ? address.port : 0),
      );
    });
  });
}

export class GrpcClient {
  readonly #client: Client;

  constructor(port: number, options: object = {}) {
    const own = { "grpc.use_local_subchannel_pool": 1 };
    const limits = { "grpc.max_receive_message_length": -1 };
    const address = `127.0.0.1:${port}`;
    const all = { ...own, ...limits, ...options };
    this.#client = new Client(address, credentials.createInsecure(), all);
  }

  close(): void {
    this.#client.close();
  }

  call(name: string, request: object, extras: CallExtras = {}): Promise<Outcome> {
    const [service, method] = name.includes("/") ? name.split("/") : ["inference", name];
    const { path, requestSerialize, responseDeserialize } = methodOf(service, method);
    return new Promise((resolve) => {
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadataOf(extras),
        optionsOf(extras),
        (error: ServiceError | null, message: unknown) => resolve(outcomeOf(error, message)),
      );
      extras.signal?.addEventListener("abort", () => call.cancel());
    });
  }

  infer(request: object, extras: CallExtras = {}): Promise<Outcome> {
    return this.call("ModelInfer", request, extras);
  }

  duplex(name: string): ClientDuplexStream<unknown, Message> {
    const [service, method] = name.split("/");
    const { path, requestSerialize, responseDeserialize } = methodOf(service, method);
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  watch(request: object): ClientReadableStream<Message> {
    const { path, requestSerialize, responseDeserialize } = methodOf("health", "Watch");
    return this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
    );
  }
}

function methodOf(service = "", method = "") {
  const definition = defineService(services[service as keyof typeof services])[method];
  if (definition === undefined) throw new Error(`no method ${service}/${method}`);
  return definition;
}

function metadataOf({ headers = {} }: CallExtras): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

function optionsOf({ deadlineMs }: CallExtras): CallOptions {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}

function outcomeOf(error: ServiceError | null, message: unknown): Outcome {
  const { code, details, metadata } = error ?? { code: 0, details: "", metadata: new Metadata() };
  return { code, details, message, trailers: metadata.getMap() };
}

/** What a stream gives until it ends, and how it ends. */
export async function allOf(
  stream: ClientReadableStream<Message> | ClientDuplexStream<unknown, Message>,
): Promise<{ readonly messages: readonly Message[]; readonly status: StatusObject }> {
  const messages: Message[] = [];
  stream.on("data", (message: Message) => messages.push(message));
  stream.on("error", () => undefined);
  const status = await new Promise<StatusObject>((resolve) => stream.on("status", resolve));
  return { messages, status };
}

/** A request for a model that takes `x` FP32 [1,4], in raw form. */
export function rawRow(model: string, row: readonly number[], id = ""): object {
  return {
    model_name: model,
    id,
    inputs: [{ name: "x", datatype: "FP32", shape: [row.length / 4, 4] }],
    raw_input_contents: [Buffer.from(Float32Array.from(row).buffer)],
  };
}

/** A request for a model that counts. */
export function trips(model: string, count: number, id = ""): object {
  const contents = { int64_contents: [count] };
  const inputs = [{ name: "trips", datatype: "INT64", shape: [1], contents }];
  return { model_name: model, id, inputs };
}

/** The first raw output, as the FP32 that it is. */
export function floatsIn({ raw_output_contents: [raw] }: Message): readonly number[] {
  return [...new Float32Array(Uint8Array.from(raw as Buffer).buffer)];
}

export function encoded(type: string, message: object): Buffer {
  return encode(inference.lookupType(type), message);
}
