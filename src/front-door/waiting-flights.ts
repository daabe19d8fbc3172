/* Requests that wait for a host, in the order in which they began to wait. */
import type { Flight } from "./flight.ts";
import type { Seat } from "./seat.ts";

export class WaitingFlights {
  readonly #models = new Map<string, Set<Flight>>();

  add(flight: Flight): void {
    const { model } = flight.call;
    const waiting = this.#models.get(model);
    if (waiting === undefined) this.#models.set(model, new Set([flight]));
    else waiting.add(flight);
  }

  remove(flight: Flight): void {
    this.#models.get(flight.call.model)?.delete(flight);
  }

  /** All of the model, whichever version they are for; nobody waits then. */
  take(model: string): Iterable<Flight> {
    const waiting = this.#models.get(model);
    this.#models.delete(model);
    return waiting ?? [];
  }

  of(seat: Seat): readonly Flight[] {
    const waiting = this.#models.get(seat.options.model) ?? [];
    return [...waiting].filter(({ call }) => call.sequence?.seat === seat);
  }
}
