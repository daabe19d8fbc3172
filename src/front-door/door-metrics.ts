import { Gauge, type Registry } from "prom-client";
import {
  type Buckets,
  type Count,
  Distribution,
  secondsBounds,
  Tally,
} from "../platform/metrics.ts";
import { createRegistry } from "../platform/registry.ts";
import type { ErrorCode } from "../protocol/errors.ts";
import type { MessageRoom } from "./message-room.ts";
import type { Permits } from "./permits.ts";
import type { GrpcCode } from "./statuses.ts";

/** What one route and status have in common, bound once. */
export interface RouteSeries {
  readonly requests: Count;
  readonly seconds: Buckets;
}

/** What a model's requests have in common. */
export interface ModelSeries {
  readonly admission: Buckets;
  readonly total: Buckets;
  predictions(status: "ok" | ErrorCode): Count;
}

export interface DoorMetrics {
  readonly registry: Registry;
  readonly framesIn: Count;
  readonly framesOut: Count;
  route(method: string, endpoint: string, status: number): RouteSeries;
  model(model: string, version: string): ModelSeries;
  /** Counts a gRPC call that has ended. */
  call(path: string, code: GrpcCode, seconds: number): void;
  shed(model: string, reason: string): Count;
  replays(model: string, reason: string): Count;
  /** Sequences that were lost with their host. */
  sequencesLost(model: string): Count;
  /** The model is gone, and one of its name begins anew. */
  forget(model: string): void;
}

/** Verbs that a scanner makes up would each add a series. */
const knownMethods: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

/** What is held at the moment. */
export interface Held {
  readonly permits: Permits;
  readonly room: MessageRoom;
  readonly sockets: () => number;
}

export function createDoorMetrics(held: Held): DoorMetrics {
  const registry = createRegistry();
  const frames = new Tally<"direction">(
    registry,
    "troupe_ws_frames_total",
    "WebSocket frames by direction",
  );
  addGauges(registry, held);
  const models = modelSeries(registry);
  const { forget: forgetIncidents, ...counted } = incidents(registry);
  return {
    registry,
    framesIn: frames.series({ direction: "in" }),
    framesOut: frames.series({ direction: "out" }),
    route: routeSeries(registry),
    model: models.of,
    call: callSeries(registry),
    ...counted,
    forget: (model) => {
      models.forget(model);
      forgetIncidents(model);
    },
  };
}

function addGauges(registry: Registry, { permits, room, sockets }: Held): void {
  const gauge = (name: string, help: string, read: () => number) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  gauge("troupe_in_flight", "Requests in the front doors", () => permits.requests);
  gauge("troupe_in_flight_bytes", "Bytes of their bodies", () => permits.bytes);
  gauge(
    "troupe_arriving_bytes",
    "Bytes of messages of gRPC and WebSockets that are on their way",
    () => room.bytes,
  );
  gauge("troupe_ws_connections", "Open WebSocket connections", sockets);
}

function routeSeries(registry: Registry): DoorMetrics["route"] {
  const requests = new Tally<"method" | "endpoint" | "status">(
    registry,
    "http_requests_total",
    "HTTP requests by route template",
  );
  const seconds = new Distribution<"method" | "endpoint">(
    registry,
    "http_request_duration_seconds",
    "Time from the head of a request to the end of its answer",
    secondsBounds,
  );
  const bound = new Map<string, RouteSeries>();
  return (verb, endpoint, status) => {
    const method = knownMethods.has(verb) ? verb : "other";
    const key = `${method} ${endpoint} ${status}`;
    const known = bound.get(key);
    if (known !== undefined) return known;
    const series = {
      requests: requests.series({ method, endpoint, status: String(status) }),
      seconds: seconds.series({ method, endpoint }),
    };
    bound.set(key, series);
    return series;
  };
}

function callSeries(registry: Registry): DoorMetrics["call"] {
  const handled = new Tally<"grpc_method" | "grpc_code">(
    registry,
    "grpc_server_handled_total",
    "gRPC calls by method and status",
  );
  const handling = new Distribution<"grpc_method">(
    registry,
    "grpc_server_handling_seconds",
    "Time from the start of a gRPC call to its end",
    secondsBounds,
  );
  const bound = new Map<string, RouteSeries>();
  const bind = (grpc_method: string, grpc_code: GrpcCode, key: string): RouteSeries => {
    const requests = handled.series({ grpc_method, grpc_code });
    const series = { requests, seconds: handling.series({ grpc_method }) };
    bound.set(key, series);
    return series;
  };
  return (path, code, seconds) => {
    const key = `${path} ${code}`;
    const series = bound.get(key) ?? bind(path.slice(path.lastIndexOf("/") + 1), code, key);
    series.requests.add();
    series.seconds.observe(seconds);
  };
}

interface ModelTallies {
  readonly of: DoorMetrics["model"];
  readonly forget: DoorMetrics["forget"];
}

function modelSeries(registry: Registry): ModelTallies {
  const predictions = new Tally<"model_id" | "version" | "status">(
    registry,
    "model_predictions_total",
    "Predictions by outcome: ok, or the code of the failure",
  );
  const stages = new Distribution<"model_id" | "stage">(
    registry,
    "troupe_stage_duration_seconds",
    "Time that requests spent in each stage",
    secondsBounds,
  );
  const bound = new Map<string, ModelSeries>();
  const of: DoorMetrics["model"] = (model_id, version) => {
    const key = `${model_id}/${version}`;
    const known = bound.get(key);
    if (known !== undefined) return known;
    const series: ModelSeries = {
      admission: stages.series({ model_id, stage: "admission" }),
      total: stages.series({ model_id, stage: "total" }),
      predictions: (status) => predictions.series({ model_id, version, status }),
    };
    bound.set(key, series);
    return series;
  };
  return {
    of,
    forget: (model) => {
      for (const tally of [predictions, stages]) tally.keep(({ model_id }) => model_id !== model);
      for (const key of bound.keys()) if (key.startsWith(`${model}/`)) bound.delete(key);
    },
  };
}

type Incidents = Pick<DoorMetrics, "shed" | "replays" | "sequencesLost" | "forget">;

function incidents(registry: Registry): Incidents {
  const shed = new Tally<"model_id" | "reason">(
    registry,
    "troupe_shed_total",
    "Requests refused at admission",
  );
  const replays = new Tally<"model_id" | "reason">(
    registry,
    "troupe_replays_total",
    "Requests sent again because their host died",
  );
  const ended = new Tally<"model_id" | "reason">(
    registry,
    "troupe_sequences_ended_total",
    "Sequences that a host keeps no longer, or lost with it",
  );
  return {
    sequencesLost: (model_id) => ended.series({ model_id, reason: "lost" }),
    shed: (model_id, reason) => shed.series({ model_id, reason }),
    replays: (model_id, reason) => replays.series({ model_id, reason }),
    forget: (model) => {
      for (const tally of [shed, replays, ended]) tally.keep(({ model_id }) => model_id !== model);
    },
  };
}
