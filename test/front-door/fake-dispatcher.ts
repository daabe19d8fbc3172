import type { ReplicaLoad } from "../../src/front-door/admission.ts";
import type { Dispatcher } from "../../src/front-door/dispatcher.ts";
import { type Call, Flight } from "../../src/front-door/flight.ts";
import { noStages, pressure } from "./fake-host.ts";
import { until } from "./until.ts";

/** Keeps what it is asked, and answers when the test says so. */
export class FakeDispatcher {
  readonly flights: Flight[] = [];
  readonly cancelled: Flight[] = [];
  readonly credits: number[] = [];
  replicas: readonly ReplicaLoad[] = [];

  /** The real one has private fields, so that nothing else is assignable to it. */
  get asDispatcher(): Dispatcher {
    return this as unknown as Dispatcher;
  }

  loads(): readonly ReplicaLoad[] {
    return this.replicas;
  }

  submit(call: Call): Flight {
    const flight = new Flight(call);
    this.flights.push(flight);
    return flight;
  }

  cancel(flight: Flight): void {
    this.cancelled.push(flight);
  }

  credit(_flight: Flight, chunks: number): void {
    this.credits.push(chunks);
  }

  async call(count = 1): Promise<Call> {
    await until(() => this.flights.length >= count, `${count} calls`);
    return (this.flights[count - 1] as Flight).call;
  }

  done(call: Call, body = '{"ok":true}'): void {
    const answer = { id: 0, stages: noStages, rows: 1, pressure: pressure() };
    call.onDone({ type: "done", ...answer, body: Buffer.from(body) });
  }
}
