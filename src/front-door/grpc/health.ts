/* grpc.health.v1: whether the server is ready, asked once or watched. */
import type {
  handleServerStreamingCall,
  MethodDefinition,
  ServerWritableStream,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { TroupeError } from "../../protocol/errors.ts";
import type { Directory } from "../directory.ts";
import { judgeServer } from "../readiness.ts";
import { grpcCodeOf } from "../statuses.ts";
import { requestIdIn, statusOf } from "./call-status.ts";
import { type CallParts, unary, watchCall, whyCancelled } from "./calls.ts";
import type { Json, Received } from "./definitions.ts";
import type { OpenStreams } from "./open-streams.ts";

export interface HealthParts extends CallParts {
  readonly directory: Directory;
  readonly streams: OpenStreams;
  /** The names of what is served, which stand and fall together. */
  readonly services: readonly string[];
  /** Calls back whenever the state may have changed; returns what ends that. */
  readonly onChange: (look: () => void) => () => void;
}

type Methods = Readonly<Record<"Check" | "List" | "Watch", MethodDefinition<unknown, unknown>>>;

export function healthService(parts: HealthParts, methods: Methods): UntypedServiceImplementation {
  const { services } = parts;
  const names = ["", ...services];
  const check = ({ service }: Json) => {
    if (names.includes(String(service))) return { status: statusNow(parts) };
    // The health protocol says NOT_FOUND, which is what a model that is not there gets.
    throw new TroupeError("model-not-found", `no service '${service}'`);
  };
  const list = () => {
    const status = statusNow(parts);
    return { statuses: Object.fromEntries(names.map((name) => [name, { status }])) };
  };
  return {
    Check: unary(parts, methods.Check, check),
    List: unary(parts, methods.List, list),
    Watch: watch(parts, methods.Watch, names),
  };
}

type Status = "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";

function statusNow({ directory }: HealthParts): Status {
  return judgeServer(directory.server, directory.models).ready ? "SERVING" : "NOT_SERVING";
}

type WatchCall = ServerWritableStream<Received<Json>, Json>;

function watch(
  parts: HealthParts,
  { path }: MethodDefinition<unknown, unknown>,
  names: readonly string[],
): handleServerStreamingCall<Received<Json>, Json> {
  return (call) => {
    const note = watchCall(parts, path);
    const { request } = call;
    if (request.type === "refused") {
      fail(call, toStatus(call, request.failure));
      return note(grpcCodeOf(request.failure));
    }
    const isKnown = names.includes(String(request.message["service"]));
    const ends = [
      tellChanges(call, parts, () => (isKnown ? statusNow(parts) : "SERVICE_UNKNOWN")),
      parts.streams.add(() => fail(call, toStatus(call, draining))),
    ];
    // Comes at the end of every call.
    call.on("cancelled", () => {
      for (const end of ends) end();
      note(grpcCodeOf(whyCancelled(call.getDeadline(), parts.clock.wall())));
    });
  };
}

const draining = { code: "draining", message: "the server is draining" } as const;

function toStatus({ metadata }: WatchCall, failure: Parameters<typeof statusOf>[0]) {
  return statusOf(failure, requestIdIn(metadata));
}

function fail(call: WatchCall, status: ReturnType<typeof statusOf>): void {
  call.emit("error", status);
}

/** A reader that is behind gets the state of then, not all that came before it. */
function tellChanges(call: WatchCall, { onChange }: HealthParts, read: () => Status): () => void {
  let told: Status | undefined;
  const look = () => {
    const status = read();
    if (status === told || call.writableNeedDrain || call.writableEnded) return;
    told = status;
    call.write({ status });
  };
  call.on("drain", look);
  look();
  return onChange(look);
}
