/*
 * Owns every request from admission to its one answer: which host has it, which wait for a host, what is sent again
 * after a host has died. Sockets to hosts are the links', sockets to callers the routes'.
 */
import type { Clock } from "../platform/clock.ts";
import { Deadlines } from "../platform/deadlines.ts";
import type { Blame } from "../protocol/control.ts";
import type { Failure } from "../protocol/errors.ts";
import type { AnswerBytes, DoneFrame, FailedFrame } from "../protocol/frames.ts";
import type { ModelView } from "../protocol/views.ts";
import type { ReplicaLoad } from "./admission.ts";
import { type Call, Flight } from "./flight.ts";
import type { HostLink, LinkListener } from "./host-link.ts";
import { toLeastLoaded } from "./least-loaded.ts";
import { Links } from "./links.ts";
import { judgeReplay } from "./replay.ts";
import { reroute } from "./rerouting.ts";
import type { Seat, SeatEnd } from "./seat.ts";
import { Seats } from "./seats.ts";
import { WaitingFlights } from "./waiting-flights.ts";

export interface DispatcherListener {
  onSequenceLost(seat: Seat): void;
  onReplay(flight: Flight, reason: "queued" | Blame): void;
  onViolation(hostId: string, reason: string): void;
}

export class Dispatcher {
  readonly #listener: DispatcherListener;
  readonly #links: Links;
  readonly #models = new Map<string, ModelView>();
  readonly #waiting = new WaitingFlights();
  readonly #deadlines: Deadlines<Flight>;
  readonly #seats: Seats;
  #lastOrder = 0;

  constructor(clock: Clock, listener: DispatcherListener) {
    this.#links = new Links(clock);
    this.#listener = listener;
    this.#seats = new Seats({
      keepers: ({ call, version }) => this.#links.aliveOf(versionKey(call.model, version)),
      failWaiting: (seat, failure) => this.#failWaitingOf(seat, failure),
      onLost: (seat) => listener.onSequenceLost(seat),
    });
    this.#deadlines = new Deadlines(clock, (flight) => this.#expire(flight));
  }

  /** Connects to hosts that are new; those that are gone end by themselves or by `hostDown`. */
  update(model: ModelView): void {
    this.#models.set(model.name, model);
    const listener = this.#linkListener(model.name);
    for (const { version, hosts } of model.versions) {
      this.#links.update(versionKey(model.name, version), hosts, listener);
    }
    this.#placeWaiting(model.name);
  }

  /** The model is gone; its hosts end as those of other models do. */
  remove(model: string): void {
    this.#models.delete(model);
    this.#placeWaiting(model);
  }

  /** Of the hosts that may get the request: for a sequence that has begun, of the one that keeps it. */
  loads(model: string, version: string, seat?: Seat): readonly ReplicaLoad[] {
    if (seat?.link !== undefined) return [seat.link.load];
    return this.#openLinks(model, version).map((link) => link.load);
  }

  submit(call: Call): Flight {
    this.#lastOrder += 1;
    const flight = new Flight(call, this.#lastOrder);
    this.#deadlines.add(flight);
    this.#seats.noteSubmitted(flight);
    this.#place(flight);
    return flight;
  }

  /** Its client wants no more of the sequence; frames that are under way are still answered. */
  end(seat: Seat): void {
    this.#seats.end(seat);
  }

  /** It cannot go on, and its opener hears why. */
  giveUp(seat: Seat, reason: SeatEnd): void {
    this.#seats.giveUp(seat, reason);
  }

  /** The caller has left, or wants no answer; `onCancelled` comes before the sequence that ends with it, if any, does. */
  cancel(flight: Flight, onCancelled: () => void = () => undefined): void {
    if (!this.#withdraw(flight, "client-left")) return;
    onCancelled();
    this.#seats.breakOf(flight, "cancelled");
  }

  credit(flight: Flight, chunks: number): void {
    if (!flight.isSettled) flight.link?.credit(flight, chunks);
  }

  hostDown(hostId: string, blame: Blame): void {
    const link = this.#links.take(hostId);
    if (link === undefined) return;
    const { flights, seats } = link.abandon();
    const failures = new Map<Flight, Failure>();
    for (const flight of flights) {
      if (flight.isSettled) continue;
      const failure = this.#seats.judgeLoss(flight) ?? this.#replay(flight, blame);
      if (failure !== undefined) failures.set(flight, failure);
    }
    // Last, as a caller who hears of one may ask for more at once, which must not come before what is sent again.
    for (const [flight, failure] of failures) this.#fail(flight, failure);
    this.#seats.lose(seats);
  }

  lookForSilence(): readonly string[] {
    return this.#links.lookForSilence();
  }

  #linkListener(model: string): Omit<LinkListener, "onClosed"> {
    return {
      onOpen: () => this.#placeWaiting(model),
      onChunk: (flight, chunk) => this.#chunk(flight, chunk),
      onDone: (flight, frame) => this.#done(flight, frame),
      onFailed: (flight, frame) => this.#failedByHost(flight, frame),
      onEnded: (seat, reason) => this.#seats.noteEnded(seat, reason),
      onViolation: (link, reason) => this.#listener.onViolation(link.hostId, reason),
    };
  }

  #openLinks(model: string, version: string): HostLink[] {
    const view = this.#models.get(model)?.versions.find((one) => one.version === version);
    return this.#links.openOf(view?.hosts ?? []);
  }

  #place(flight: Flight): void {
    if (!this.#findPlace(flight)) this.#failPlaceless([flight]);
  }

  /** False where nobody can serve it any more; otherwise it is sent, waits, or has been answered. */
  #findPlace(flight: Flight): boolean {
    flight.followSequence();
    const open = this.#openLinks(flight.call.model, flight.version);
    const seating = this.#seats.choose(flight, open) ?? toLeastLoaded(open);
    switch (seating.type) {
      case "send":
        seating.link.send(flight);
        return true;
      case "wait":
        return this.#waitOrMove(flight);
      case "lost":
        this.#fail(flight, this.#seats.lossOf(flight));
        this.#seats.breakOf(flight, "gone");
        return true;
    }
  }

  #waitOrMove(flight: Flight): boolean {
    flight.link = undefined;
    const verdict = reroute(flight, this.#models.get(flight.call.model));
    switch (verdict.type) {
      case "wait":
        this.#waiting.add(flight);
        return true;
      case "move":
        flight.moveTo(verdict.version);
        return this.#findPlace(flight);
      case "fail":
        return false;
    }
  }

  /** A host has come, or the versions have changed. */
  #placeWaiting(model: string): void {
    const placeless: Flight[] = [];
    for (const flight of this.#waiting.take(model)) {
      if (!flight.isSettled && !this.#findPlace(flight)) placeless.push(flight);
    }
    this.#failPlaceless(placeless);
  }

  /** Sequences break last: a caller who hears of one frame may ask for more at once. */
  #failPlaceless(flights: readonly Flight[]): void {
    const message = "Cannot answer: the model cannot be served any more";
    for (const flight of flights) this.#fail(flight, { code: "model-unavailable", message });
    for (const flight of flights) this.#seats.breakOf(flight, "lost");
  }

  #failWaitingOf(seat: Seat, failure: Failure): void {
    for (const flight of this.#waiting.of(seat)) {
      this.#waiting.remove(flight);
      this.#fail(flight, failure);
    }
  }

  /** What it gets where it has been sent often enough. */
  #replay(flight: Flight, blame: Blame): Failure | undefined {
    const { isRunning: wasRunning, hasChunks, strikes, misfortunes, waits } = flight;
    const verdict = judgeReplay({ wasRunning, hasChunks, strikes, misfortunes, waits }, blame);
    if (verdict.type === "fail") {
      this.#seats.noteFailed(flight, verdict.failure);
      return verdict.failure;
    }
    flight.alone ||= verdict.alone;
    flight.strikes = verdict.strikes;
    flight.misfortunes = verdict.misfortunes;
    flight.waits = verdict.waits;
    this.#listener.onReplay(flight, wasRunning ? blame : "queued");
    this.#place(flight);
    return undefined;
  }

  #chunk(flight: Flight, chunk: AnswerBytes): void {
    if (flight.isSettled) return;
    if (this.#failLate(flight)) {
      // Nobody grants it the next chunks, for which its host would wait.
      flight.link?.cancel(flight, "client-left");
      return;
    }
    flight.hasChunks = true;
    this.#seats.noteAnswer(flight);
    flight.call.onChunk(chunk);
  }

  #done(flight: Flight, frame: DoneFrame): void {
    if (this.#failLate(flight) || !this.#settle(flight)) return;
    this.#seats.noteDone(flight);
    flight.call.onDone(frame);
  }

  #failLate(flight: Flight): boolean {
    const late = this.#seats.judgeLate(flight);
    if (late !== undefined) this.#fail(flight, late);
    return late !== undefined;
  }

  /** A host that is being drained gives back what it has not begun: another one takes it. */
  #failedByHost(flight: Flight, { failure }: FailedFrame): void {
    if (flight.isSettled) return;
    const isDraining = failure.code === "draining" && flight.link?.isOpen === false;
    if (isDraining && !flight.hasChunks) this.#move(flight);
    else if (this.#seats.isElsewhere(flight, failure)) this.#place(flight);
    else {
      this.#fail(flight, failure);
      this.#seats.noteFailed(flight, failure);
    }
  }

  /** The frames behind the first one of a sequence move with it, before any other comes. */
  #move(flight: Flight): void {
    const { call, link } = flight;
    const behind = call.sequence === null ? [] : (link?.recall(call.sequence.seat) ?? []);
    for (const each of [flight, ...behind]) this.#place(each);
  }

  #fail(flight: Flight, failure: Failure): void {
    if (this.#settle(flight)) flight.call.onFailed(failure);
  }

  #expire(flight: Flight): void {
    const where = whereIs(flight);
    if (!this.#withdraw(flight, "expired")) return;
    const message = `Cannot answer: the deadline passed while the request ${where}`;
    flight.call.onFailed({ code: "deadline-exceeded", message });
    this.#seats.breakOf(flight, "expired");
  }

  #withdraw(flight: Flight, reason: "client-left" | "expired"): boolean {
    if (!this.#settle(flight)) return false;
    if (flight.link !== undefined) flight.link.cancel(flight, reason);
    else this.#waiting.remove(flight);
    return true;
  }

  /** True the first time. */
  #settle(flight: Flight): boolean {
    if (flight.isSettled) return false;
    flight.isSettled = true;
    this.#deadlines.remove(flight);
    this.#seats.noteSettled(flight);
    return true;
  }
}

function versionKey(model: string, version: string): string {
  return `${model}/${version}`;
}

function whereIs(flight: Flight): string {
  if (flight.link === undefined) return "waited for a host";
  if (flight.hasChunks) return "was being answered";
  return flight.isRunning ? "was running" : "waited in the queue";
}
