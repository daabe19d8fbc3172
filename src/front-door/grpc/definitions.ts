/* What grpc-js must know of a service: its methods, and how their messages become objects and bytes. */
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import type { Service, Type } from "protobufjs";
import { type Failure, TroupeError, toFailure } from "../../protocol/errors.ts";
import { maxConfigBytes } from "../../protocol/questions.ts";

export type Json = Readonly<Record<string, unknown>>;

/** grpc-js answers what its reader throws with INTERNAL and words of its own: so it gets the failure as a message. */
export type Received<Message> = (
  | { readonly type: "message"; readonly message: Message }
  | { readonly type: "refused"; readonly failure: Failure }
) & {
  /** To be called when a message of a stream is taken from it: its bytes are counted elsewhere, or are gone. */
  readonly onTaken?: () => void;
};

export type ReadMessage = (bytes: Buffer) => unknown;

/** Answers may be bytes already. `readers` are for methods whose requests are not read whole. */
export function defineService(
  service: Service,
  readers: Readonly<Record<string, ReadMessage>> = {},
): ServiceDefinition {
  const methods = service.methodsArray.map(
    (method): [string, MethodDefinition<unknown, unknown>] => {
      const [request, response] = [method.resolvedRequestType, method.resolvedResponseType];
      if (request === null || response === null) throw new Error(`${method.name} has no types`);
      const path = `/${service.fullName.slice(1)}/${method.name}`;
      return [
        method.name,
        defineMethod({ path, request, response, read: readers[method.name] }, method),
      ];
    },
  );
  return Object.fromEntries(methods);
}

interface MethodParts {
  readonly path: string;
  readonly request: Type;
  readonly response: Type;
  readonly read: ReadMessage | undefined;
}

function defineMethod(
  { path, request, response, read }: MethodParts,
  { requestStream = false, responseStream = false }: MethodStreams,
): MethodDefinition<unknown, unknown> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (message) => encode(request, message),
    requestDeserialize: receiver(read ?? ((bytes) => decodeSmall(request, bytes))),
    responseSerialize: (message) =>
      Buffer.isBuffer(message) ? message : encode(response, message),
    responseDeserialize: (bytes) => decode(response, bytes),
  };
}

interface MethodStreams {
  readonly requestStream?: boolean | undefined;
  readonly responseStream?: boolean | undefined;
}

export function encode(type: Type, message: unknown): Buffer {
  return Buffer.from(type.encode(type.fromObject(message as object)).finish());
}

/** Everything that a message may have is there, and of its oneofs which field it is. */
function decode(type: Type, bytes: Uint8Array): Json {
  const options = { longs: Number, enums: String, defaults: true, oneofs: true };
  return type.toObject(type.decode(bytes), options);
}

/** Few bytes can stand for many objects: a large message would hold up everybody. */
function decodeSmall(type: Type, bytes: Buffer): Json {
  if (bytes.length > maxConfigBytes) {
    const words = `${type.name} must be at most ${maxConfigBytes} bytes, got ${bytes.length}`;
    throw new TroupeError("payload-too-large", words);
  }
  try {
    return decode(type, bytes);
  } catch (cause) {
    throw new TroupeError("invalid-request", `the message is no ${type.name}`, { cause });
  }
}

function receiver(read: ReadMessage): (bytes: Buffer) => Received<unknown> {
  return (bytes) => {
    try {
      return { type: "message", message: read(bytes) };
    } catch (thrown) {
      return { type: "refused", failure: toFailure(thrown) };
    }
  };
}
