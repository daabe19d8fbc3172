/* Server reflection: one answer for each question on a stream, so that tools can call a server of which they know nothing. */
import type { handleBidiStreamingCall, MethodDefinition, ServerDuplexStream } from "@grpc/grpc-js";
import { newRequestId } from "../request-head.ts";
import { grpcCode, grpcCodeOf } from "../statuses.ts";
import { statusOf } from "./call-status.ts";
import { type CallParts, watchCall, whyCancelled } from "./calls.ts";
import type { Json, Received } from "./definitions.ts";
import type { FileDescriptor } from "./descriptors.ts";
import type { OpenStreams } from "./open-streams.ts";

export interface ReflectionParts extends CallParts {
  readonly files: readonly FileDescriptor[];
  readonly streams: OpenStreams;
}

type Call = ServerDuplexStream<Received<Json>, Json>;

export function reflectionStream(
  parts: ReflectionParts,
  { path }: MethodDefinition<unknown, unknown>,
): handleBidiStreamingCall<Received<Json>, Json> {
  return (call: Call) => {
    const note = watchCall(parts, path);
    let isEnded = false;
    const forget = parts.streams.add(() => {
      const failure = { code: "draining", message: "the server is draining" } as const;
      call.emit("error", statusOf(failure, newRequestId()));
    });
    call.on("data", (received: Received<Json>) => {
      received.onTaken?.();
      // A caller that takes no answers asks no more questions.
      if (call.write(reply(received, parts.files))) return;
      call.pause();
      call.once("drain", () => call.resume());
    });
    call.on("end", () => {
      isEnded = true;
      call.end();
    });
    call.on("cancelled", () => {
      forget();
      note(isEnded ? "OK" : grpcCodeOf(whyCancelled(call.getDeadline(), parts.clock.wall())));
    });
  };
}

function reply(received: Received<Json>, files: readonly FileDescriptor[]): Json {
  if (received.type === "refused") {
    return failed(grpcCode[grpcCodeOf(received.failure)], received.failure.message);
  }
  const { message } = received;
  return { valid_host: message["host"], original_request: message, ...answerTo(message, files) };
}

/** What is asked for, or NOT_FOUND. */
export function answerTo(request: Json, files: readonly FileDescriptor[]): Json {
  const asked = String(request["message_request"]);
  const value = request[asked];
  switch (asked) {
    case "list_services": {
      const names = files.flatMap(({ services }) => services).toSorted();
      return { list_services_response: { service: names.map((name) => ({ name })) } };
    }
    case "file_by_filename":
      return fileAnswer(
        files.find(({ name }) => name === value),
        `no file '${value}'`,
      );
    case "file_containing_symbol": {
      const symbol = String(value);
      return fileAnswer(
        files.find(({ symbols }) => symbols.has(symbol)),
        `no symbol '${value}'`,
      );
    }
    case "all_extension_numbers_of_type": {
      const isKnown = files.some(({ symbols }) => symbols.has(String(value)));
      if (!isKnown) return failed(grpcCode.NOT_FOUND, `no type '${value}'`);
      return { all_extension_numbers_response: { base_type_name: value } };
    }
    case "file_containing_extension":
      return failed(grpcCode.NOT_FOUND, "no type has extensions");
    default:
      return failed(grpcCode.INVALID_ARGUMENT, "message_request must be set");
  }
}

function fileAnswer(file: FileDescriptor | undefined, otherwise: string): Json {
  if (file === undefined) return failed(grpcCode.NOT_FOUND, otherwise);
  return { file_descriptor_response: { file_descriptor_proto: [file.bytes] } };
}

function failed(error_code: number, error_message: string): Json {
  return { error_response: { error_code, error_message } };
}
