/* Sequences over HTTP: any connection, at any front door, may bring the next frame of one, by its id. */
import type { SequenceCall } from "./flight.ts";
import { Seat } from "./seat.ts";
import type { V2Sequence } from "./v2-sequence.ts";

/** Others may go on or end what began here, and nobody tells: the one that was used longest ago is forgotten. */
const mostKnown = 16_384;

export interface SharedModel {
  readonly model: string;
  readonly version: string;
}

export class SharedSeats {
  readonly #seats = new Map<string, Seat>();
  readonly #mostKnown: number;

  constructor(most = mostKnown) {
    this.#mostKnown = most;
  }

  get known(): number {
    return this.#seats.size;
  }

  /** A start takes the place of what its host has under the key, when it is taken there and not before. */
  claim({ key, start, end }: V2Sequence, { model, version }: SharedModel): SequenceCall {
    const name = `${model}/${version} ${key}`;
    const known = this.#seats.get(name);
    this.#seats.delete(name);
    const seat = start || known === undefined ? this.#newSeat(name, key, model) : known;
    if (!end) this.#keep(name, seat);
    return { seat, start, end };
  }

  #newSeat(name: string, key: string, model: string): Seat {
    const seat: Seat = new Seat({
      key,
      model,
      isShared: true,
      onEnded: () => {
        if (this.#seats.get(name) === seat) this.#seats.delete(name);
      },
    });
    return seat;
  }

  #keep(name: string, seat: Seat): void {
    this.#seats.set(name, seat);
    if (this.#seats.size > this.#mostKnown) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const [name, seat] of this.#seats) {
      this.#seats.delete(name);
      seat.link?.unseat(seat);
      return;
    }
  }
}
