import type { ReplicaLoad } from "../../src/front-door/admission.ts";
import type { Dispatcher } from "../../src/front-door/dispatcher.ts";
import { type Call, Flight } from "../../src/front-door/flight.ts";
import type { Seat, SeatEnd } from "../../src/front-door/seat.ts";
import type { Failure } from "../../src/protocol/errors.ts";
import { noStages, pressure } from "./fake-host.ts";
import { until } from "./until.ts";

/** Keeps what it is asked, and answers when the test says so. */
export class FakeDispatcher {
  readonly flights: Flight[] = [];
  readonly cancelled: Flight[] = [];
  readonly credits: number[] = [];
  /** Sequences that their clients have ended. */
  readonly ended: Seat[] = [];
  replicas: readonly ReplicaLoad[] = [];
  /** No host is there: those of a sequence fail with the first of them that leaves. */
  isWaiting = false;
  /** Whose load was asked for last. */
  askedFor: readonly [model: string, version: string, seat: Seat | undefined] | undefined;

  /** The real one has private fields, so that nothing else is assignable to it. */
  get asDispatcher(): Dispatcher {
    return this as unknown as Dispatcher;
  }

  loads(model: string, version: string, seat?: Seat): readonly ReplicaLoad[] {
    this.askedFor = [model, version, seat];
    return this.replicas;
  }

  submit(call: Call): Flight {
    const flight = new Flight(call, this.flights.length + 1);
    this.flights.push(flight);
    if (call.sequence !== null) call.sequence.seat.inFlight += 1;
    return flight;
  }

  cancel(flight: Flight, onCancelled: () => void = () => undefined): void {
    this.cancelled.push(flight);
    if (!this.#settle(flight.call)) return;
    onCancelled();
    if (flight.call.sequence !== null) this.break(flight.call.sequence.seat, "cancelled");
  }

  credit(_flight: Flight, chunks: number): void {
    this.credits.push(chunks);
  }

  end(seat: Seat): void {
    if (seat.isOver) return;
    seat.isOver = true;
    this.ended.push(seat);
  }

  giveUp(seat: Seat, reason: SeatEnd): void {
    if (!seat.isOver) this.ended.push(seat);
    this.break(seat, reason);
  }

  async call(count = 1): Promise<Call> {
    await until(() => this.flights.length >= count, `${count} calls`);
    return (this.flights[count - 1] as Flight).call;
  }

  done(call: Call, body = '{"ok":true}', jsonBytes = 0): void {
    this.#settle(call);
    const answer = { id: 0, stages: noStages, rows: 1, pressure: pressure(), jsonBytes };
    call.onDone({ type: "done", ...answer, body: Buffer.from(body) });
  }

  failed(call: Call, code: Failure["code"]): void {
    this.#settle(call);
    call.onFailed({ code, message: "no" });
  }

  /** The host does not keep the sequence any more. */
  break(seat: Seat, reason: SeatEnd): void {
    if (seat.isOver) return;
    seat.isOver = true;
    for (const { call, isSettled } of this.isWaiting ? [...this.flights] : []) {
      if (call.sequence?.seat === seat && !isSettled) this.failed(call, "sequence-lost");
    }
    seat.options.onEnded(reason);
  }

  /** True the first time. */
  #settle(call: Call): boolean {
    const flight = this.flights.find((one) => one.call === call);
    if (flight === undefined || flight.isSettled) return false;
    flight.isSettled = true;
    if (call.sequence !== null) call.sequence.seat.inFlight -= 1;
    return true;
  }
}
