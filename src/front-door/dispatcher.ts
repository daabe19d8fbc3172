/*
 * Owns every request from admission to its one answer: which host has it, which wait for a host, what is sent again
 * after a host has died. Sockets to hosts are the links', sockets to callers the routes'.
 */
import type { Clock } from "../platform/clock.ts";
import { Deadlines } from "../platform/deadlines.ts";
import type { Blame } from "../protocol/control.ts";
import type { Failure } from "../protocol/errors.ts";
import type { DoneFrame, FailedFrame } from "../protocol/frames.ts";
import type { HostView, ModelView } from "../protocol/views.ts";
import type { ReplicaLoad } from "./admission.ts";
import { type Call, Flight } from "./flight.ts";
import { HostLink, type LinkListener } from "./host-link.ts";
import { toLeastLoaded } from "./least-loaded.ts";
import { judgeReplay } from "./replay.ts";
import type { Seat, SeatEnd } from "./seat.ts";
import { Seats } from "./seats.ts";

export interface DispatcherListener {
  onSequenceLost(seat: Seat): void;
  onReplay(flight: Flight, reason: "queued" | Blame): void;
  onViolation(hostId: string, reason: string): void;
}

/** A connection that is gone without news of its host is reported after this long. */
const silenceMs = 1_000;

export class Dispatcher {
  readonly #clock: Clock;
  readonly #listener: DispatcherListener;
  readonly #links = new Map<string, HostLink>();
  /** Hosts of each version, by `versionKey`. */
  readonly #hosts = new Map<string, readonly HostView[]>();
  readonly #waiting = new Map<string, Set<Flight>>();
  readonly #deadlines: Deadlines<Flight>;
  readonly #seats: Seats;
  #lastOrder = 0;

  constructor(clock: Clock, listener: DispatcherListener) {
    this.#clock = clock;
    this.#listener = listener;
    this.#seats = new Seats({
      failWaiting: (seat, failure) => this.#failWaitingOf(seat, failure),
      onLost: (seat) => listener.onSequenceLost(seat),
    });
    this.#deadlines = new Deadlines(clock, (flight) => this.#expire(flight));
  }

  /** Connects to hosts that are new; those that are gone end by themselves or by `hostDown`. */
  update(model: ModelView): void {
    for (const { version, hosts, state } of model.versions) {
      const key = versionKey(model.name, version);
      this.#hosts.set(key, hosts);
      for (const host of hosts) this.#connect(key, host);
      if (state === "unavailable") this.#failWaiting(key);
    }
  }

  /** Of the hosts that may get the request: for a sequence that has begun, of the one that keeps it. */
  loads(model: string, version: string, seat?: Seat): readonly ReplicaLoad[] {
    if (seat?.link !== undefined) return [seat.link.load];
    return this.#openLinks(versionKey(model, version)).map((link) => link.load);
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
    const link = this.#links.get(hostId);
    if (link === undefined) return;
    this.#links.delete(hostId);
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

  #connect(key: string, host: HostView): void {
    if (this.#links.has(host.hostId)) return;
    this.#links.set(host.hostId, new HostLink(host, this.#clock, this.#linkListener(key)));
  }

  #linkListener(key: string): LinkListener {
    return {
      onOpen: () => this.#releaseWaiting(key),
      onChunk: (flight, body) => this.#chunk(flight, body),
      onDone: (flight, frame) => this.#done(flight, frame),
      onFailed: (flight, frame) => this.#failedByHost(flight, frame),
      onEnded: (seat, reason) => this.#seats.noteEnded(seat, reason),
      onClosed: (link) => this.#onClosed(link),
      onViolation: (link, reason) => this.#listener.onViolation(link.hostId, reason),
    };
  }

  /** Usually the supervisor tells of the host's end in the same breath. */
  #onClosed(link: HostLink): void {
    this.#clock.after(silenceMs, () => {
      if (this.#links.get(link.hostId) !== link) return;
      this.#listener.onViolation(link.hostId, "its connection ended while it lives");
    });
  }

  #openLinks(key: string): HostLink[] {
    const open: HostLink[] = [];
    for (const { hostId } of this.#hosts.get(key) ?? []) {
      const link = this.#links.get(hostId);
      if (link?.isOpen) open.push(link);
    }
    return open;
  }

  #place(flight: Flight): void {
    const { model, version } = flight.call;
    const key = versionKey(model, version);
    const open = this.#openLinks(key);
    const seating = this.#seats.choose(flight, open) ?? toLeastLoaded(open);
    switch (seating.type) {
      case "send":
        seating.link.send(flight);
        return;
      case "wait":
        this.#wait(key, flight);
        return;
      case "lost":
        this.#fail(flight, this.#seats.lossOf(flight));
        this.#seats.breakOf(flight, "gone");
        return;
    }
  }

  #wait(key: string, flight: Flight): void {
    flight.link = undefined;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, new Set([flight]));
    else waiting.add(flight);
  }

  #releaseWaiting(key: string): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const flight of waiting ?? []) this.#place(flight);
  }

  #failWaiting(key: string): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    const message = "Cannot answer: the model cannot be served any more";
    for (const flight of waiting ?? []) this.#fail(flight, { code: "model-unavailable", message });
    for (const flight of waiting ?? []) this.#seats.breakOf(flight, "lost");
  }

  #failWaitingOf(seat: Seat, failure: Failure): void {
    for (const waiting of this.#waiting.values()) {
      for (const flight of waiting) {
        if (flight.call.sequence?.seat !== seat) continue;
        waiting.delete(flight);
        this.#fail(flight, failure);
      }
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

  #chunk(flight: Flight, body: Uint8Array): void {
    if (flight.isSettled) return;
    if (this.#failLate(flight)) {
      // Nobody grants it the next chunks, for which its host would wait.
      flight.link?.cancel(flight, "client-left");
      return;
    }
    flight.hasChunks = true;
    this.#seats.noteAnswer(flight);
    flight.call.onChunk(body);
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
    else this.#waiting.get(versionKey(flight.call.model, flight.call.version))?.delete(flight);
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
