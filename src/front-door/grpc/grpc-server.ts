/*
 * The gRPC port: its listener, what is served on it, and how it is drained. grpc-js opens ports of its own only, which
 * front doors could not share; so the connections are let in here, by the supervisor's handle, and handed to it.
 */
import { createServer } from "node:net";
import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type protobuf from "protobufjs";
import type { Clock } from "../../platform/clock.ts";
import type { MessageRoom } from "../message-room.ts";
import { OpenPort } from "../open-port.ts";
import type { PredictionParts } from "../prediction.ts";
import { type CallParts, unary } from "./calls.ts";
import { Connections } from "./connections.ts";
import { defineService, encode } from "./definitions.ts";
import { describeFiles } from "./descriptors.ts";
import { healthService } from "./health.ts";
import { incomingMessages } from "./incoming-messages.ts";
import { inferCall } from "./infer-call.ts";
import { readInferRequest } from "./infer-request.ts";
import { inferStream } from "./infer-stream.ts";
import { readLoadRequest } from "./load-request.ts";
import { OpenStreams } from "./open-streams.ts";
import { loadProto } from "./proto-files.ts";
import { reflectionStream } from "./reflection.ts";
import { announceEnd, widenWindows } from "./sessions.ts";
import { type V2Parts, v2Answers } from "./v2-answers.ts";

export interface GrpcServerParts extends CallParts, PredictionParts, V2Parts {
  /** Somebody has connected. */
  readonly onWork: () => void;
  readonly room: MessageRoom;
}

const inferenceName = "inference.GRPCInferenceService";
const healthName = "grpc.health.v1.Health";
const reflectionVersions = ["v1", "v1alpha"] as const;
/** Calls at once on one connection; clients wait with the others, or open another. */
const mostCalls = 256;
/** Beside the longest message: what is in a message that is no part of the body. */
const messageOverheadBytes = 4_096;

/** Calls that clients began before they read that the connection ends are here by then. */
const farewellMs = 250;

export class GrpcServer {
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #port: OpenPort;
  readonly #connections: Connections;
  readonly #streams = new OpenStreams();
  readonly #looks = new Set<() => void>();

  constructor(parts: GrpcServerParts) {
    const { clock, settings, metrics, room } = parts;
    this.#clock = clock;
    const maxBytes = settings.maxBodyBytes + messageOverheadBytes;
    const onFull = () => metrics.shed("", "bytes").add();
    this.#server = new Server({
      "grpc.max_receive_message_length": maxBytes,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": mostCalls,
      "grpc.enable_channelz": 0,
      interceptors: [incomingMessages({ clock, room, maxBytes, onFull })],
    });
    this.#connections = new Connections(clock);
    this.#addServices(parts);
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    widenWindows(this.#server);
    const listener = createServer({ noDelay: true }, (socket) => {
      parts.onWork();
      this.#connections.add(socket);
      injector.injectConnection(socket);
    });
    this.#port = new OpenPort(listener, clock);
  }

  listen(handle: unknown): Promise<number> {
    return this.#port.listen(handle);
  }

  get isConnected(): boolean {
    return this.#connections.size > 0;
  }

  /** The supervisor has told something that may change how ready the server is. */
  lookAgain(): void {
    for (const look of this.#looks) look();
  }

  /** Closes the port, lets requests in flight be answered, and sends every connection away. */
  async drain(): Promise<void> {
    await this.#port.close();
    announceEnd(this.#server);
    await new Promise<void>((resolve) => {
      this.#clock.after(farewellMs, resolve);
    });
    this.#streams.endAll();
    // Its callback does not wait for connections that `close()` of Node's server is ending already.
    this.#server.tryShutdown(() => undefined);
    await this.#connections.gone();
  }

  #addServices(parts: GrpcServerParts): void {
    const inference = loadProto("inference.proto");
    const health = loadProto("grpc/health/v1/health.proto");
    const reflections = reflectionVersions.map((version) =>
      loadProto(`grpc/reflection/${version}/reflection.proto`),
    );
    this.#addInference(inference, parts);
    this.#addHealth(health, parts);
    const files = describeFiles([inference, health, ...reflections]);
    for (const [at, root] of reflections.entries()) {
      const name = `grpc.reflection.${reflectionVersions[at]}.ServerReflection`;
      const definition = defineService(root.lookupService(name));
      const stream = { ...parts, files, streams: this.#streams };
      const method = methodOf(definition, "ServerReflectionInfo");
      this.#add(definition, { ServerReflectionInfo: reflectionStream(stream, method) });
    }
  }

  #addInference(root: protobuf.Root, parts: GrpcServerParts): void {
    const read = (bytes: Buffer) => readInferRequest(bytes, parts.settings.maxBodyBytes);
    const service = root.lookupService(inferenceName);
    const definition = defineService(service, {
      ModelInfer: read,
      ModelStreamInfer: read,
      RepositoryModelLoad: readLoadRequest,
    });
    const encoderOf = (type: string) => {
      const response = root.lookupType(`inference.${type}`);
      return (message: unknown) => encode(response, message);
    };
    const serving = { ...parts, connections: this.#connections, streams: this.#streams };
    const call = { ...serving, encode: encoderOf("ModelInferResponse") };
    const stream = { ...serving, encode: encoderOf("ModelStreamInferResponse") };
    const answers = Object.entries(v2Answers(parts)).map(
      ([name, answer]) => [name, unary(parts, methodOf(definition, name), answer)] as const,
    );
    this.#add(definition, {
      ...Object.fromEntries(answers),
      ModelInfer: inferCall(call, methodOf(definition, "ModelInfer")),
      ModelStreamInfer: inferStream(stream, methodOf(definition, "ModelStreamInfer")),
    });
  }

  #addHealth(root: protobuf.Root, parts: GrpcServerParts): void {
    const definition = defineService(root.lookupService(healthName));
    const methods = {
      Check: methodOf(definition, "Check"),
      List: methodOf(definition, "List"),
      Watch: methodOf(definition, "Watch"),
    };
    const onChange = (look: () => void) => {
      this.#looks.add(look);
      return () => void this.#looks.delete(look);
    };
    const services = [inferenceName];
    const watching = { ...parts, services, streams: this.#streams, onChange };
    this.#add(definition, healthService(watching, methods));
  }

  #add(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.#server.addService(definition, implementation);
  }
}

function methodOf(definition: ServiceDefinition, name: string): MethodDefinition<unknown, unknown> {
  const method = definition[name];
  if (method === undefined) throw new Error(`no method ${name}`);
  return method;
}
