/* One front door: its parts, and what it learns from the supervisor. */
import type { Registry } from "prom-client";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { DoorCommand, DoorEvent, DoorSettings } from "../protocol/control.ts";
import { type AccessEntry, AccessLog } from "./access-log.ts";
import { Directory } from "./directory.ts";
import { Dispatcher, type DispatcherListener } from "./dispatcher.ts";
import { DoorFeed } from "./door-feed.ts";
import { createDoorMetrics, type DoorMetrics } from "./door-metrics.ts";
import { Entrance } from "./entrance.ts";
import type { GrpcServer, GrpcServerParts } from "./grpc/grpc-server.ts";
import { HttpServer } from "./http-server.ts";
import { MessageRoom } from "./message-room.ts";
import { answerWithoutUpgrade, isWebSocketOffer } from "./other-upgrades.ts";
import { OutcomeStatistics } from "./outcome-statistics.ts";
import { Permits } from "./permits.ts";
import { plainRoutes } from "./plain-routes.ts";
import { predictRoute } from "./predict-route.ts";
import { type AskSupervisor, Queries } from "./queries.ts";
import { SharedSeats } from "./shared-seats.ts";
import { Tracer } from "./tracer.ts";
import { WebSockets } from "./web-sockets.ts";

export interface FrontDoorParts {
  readonly settings: DoorSettings;
  readonly log: Log;
  readonly clock: Clock;
  readonly tell: (event: DoorEvent) => unknown;
  /** Somebody has come, or asks for something, of which nothing is done yet. */
  readonly onWork: () => void;
}

type News = Extract<
  DoorCommand,
  { type: "model" | "model-gone" | "server" | "host-down" | "reply" | "events" | "trace-plan" }
>;

export class FrontDoor {
  readonly registry: Registry;
  readonly #directory = new Directory();
  readonly #feed = new DoorFeed();
  readonly #dispatcher: Dispatcher;
  readonly #queries: Queries;
  readonly #tracer: Tracer;
  readonly #http: HttpServer;
  readonly #sockets: WebSockets;
  readonly #ready: PromiseLike<unknown>;
  readonly #grpcParts: GrpcServerParts;
  /** What was counted of a model that is gone. */
  readonly #forget: (model: string) => void;
  #grpc: GrpcServer | undefined;

  constructor({ settings, log, clock, tell, onWork }: FrontDoorParts) {
    const permits = new Permits();
    const room = new MessageRoom(settings.maxInFlightBytes);
    const metrics = createDoorMetrics({ permits, room, sockets: () => this.#sockets.count });
    this.registry = metrics.registry;
    this.#queries = new Queries(clock, tell);
    const tracer = new Tracer(clock, tell);
    this.#tracer = tracer;
    this.#dispatcher = new Dispatcher(clock, dispatchListener({ log, metrics, tell }));
    const directory = this.#directory;
    const dispatcher = this.#dispatcher;
    const entrance = new Entrance({ clock, settings, directory, dispatcher, permits, metrics });
    const outcomes = new OutcomeStatistics(this.registry, directory);
    this.#forget = (model) => {
      metrics.forget(model);
      outcomes.forget(model);
    };
    const sample = settings.accessLogSample;
    const onEntry = (entry: AccessEntry) => outcomes.note(entry);
    const accessLog = new AccessLog({ clock, log, sample, onEntry });
    const isDraining = () => this.#http.isDraining;
    const own = { clock, settings, directory, dispatcher, entrance, metrics };
    const serving = { ...own, accessLog, tracer };
    const shared = { ...serving, isDraining };
    this.#sockets = new WebSockets({ ...shared, feed: this.#feed, room });
    const sharedSeats = new SharedSeats();
    const ask: AskSupervisor = (question, waiting) => this.#queries.ask(question, waiting);
    const app = plainRoutes({ ...shared, ask, tell });
    const { maxBodyBytes, defaultModel, compatTriton } = settings;
    const limits = { maxBodyBytes, defaultModel, compatTriton };
    const hot = predictRoute({ ...shared, ...limits, sharedSeats });
    this.#ready = app.ready();
    this.#grpcParts = { ...serving, sharedSeats, ask, tell, room, onWork };
    this.#http = new HttpServer(clock, hot, (request, response) => app.routing(request, response));
    this.#follow(this.#http, onWork);
  }

  #follow({ server }: HttpServer, onWork: () => void): void {
    for (const event of ["connection", "request", "upgrade"]) server.prependListener(event, onWork);
    server.on("upgrade", (request, socket, head) => {
      if (isWebSocketOffer(request)) this.#sockets.upgrade(request, socket, head);
      else answerWithoutUpgrade(server, request, socket, head);
    });
  }

  /** The port of HTTP. Without a handle for it there is no gRPC. */
  async listen(handle: unknown, grpcHandle: unknown): Promise<number> {
    await this.#ready;
    const port = await this.#http.listen(handle);
    if (grpcHandle !== undefined) {
      // grpc-js and the .proto files take their time, which HTTP need not wait for.
      const { GrpcServer } = await import("./grpc/grpc-server.ts");
      this.#grpc = new GrpcServer(this.#grpcParts);
      await this.#grpc.listen(grpcHandle);
    }
    return port;
  }

  /** WebSockets and connections of gRPC carry work that nobody else sees come. */
  get hasWork(): boolean {
    return this.#http.isBusy || this.#sockets.count > 0 || this.#grpc?.isConnected === true;
  }

  /** The hosts that let callers wait: one that rests is not expected to say that it lives. */
  lookForSilence(): readonly string[] {
    return this.#dispatcher.lookForSilence();
  }

  learn(news: News): void {
    this.#note(news);
    if (news.type !== "events" && news.type !== "reply") this.#grpc?.lookAgain();
  }

  #note(news: News): void {
    switch (news.type) {
      case "model":
        this.#directory.update(news.model);
        this.#dispatcher.update(news.model);
        return;
      case "model-gone":
        this.#directory.remove(news.name);
        this.#dispatcher.remove(news.name);
        this.#forget(news.name);
        return;
      case "server":
        this.#directory.server = news.server;
        return;
      case "host-down":
        this.#dispatcher.hostDown(news.hostId, news.blame);
        return;
      case "reply":
        this.#queries.settle(news.queryId, news.reply);
        return;
      case "trace-plan":
        this.#tracer.follow(news.plan);
        return;
      case "events":
        this.#feed.learn(news.events);
        return;
    }
  }

  /** Resolves when everything in flight is answered and every connection is closed. */
  async drain(): Promise<void> {
    await Promise.all([this.#http.drain(), this.#sockets.drain(), this.#grpc?.drain()]);
  }
}

function dispatchListener({
  log,
  metrics,
  tell,
}: Pick<FrontDoorParts, "log" | "tell"> & { readonly metrics: DoorMetrics }): DispatcherListener {
  return {
    onReplay: ({ call }, reason) => {
      metrics.replays(call.model, reason).add();
      log.info({ request_id: call.requestId, model: call.model, reason }, "sent again");
    },
    onSequenceLost: ({ options: { model, key } }) => {
      metrics.sequencesLost(model).add();
      log.info({ model, sequence: key, reason: "lost" }, "sequence ended");
    },
    onViolation: (hostId, reason) => void tell({ type: "violation", hostId, reason }),
  };
}
