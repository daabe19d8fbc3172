/* Sequences over HTTP: any connection, at any front door, may bring the next frame of one, by its id. */
import type { SequenceCall } from "./flight.ts";
import { Seat } from "./seat.ts";
import type { V2Sequence } from "./v2-sequence.ts";

/** Others may go on or end what began here, and nobody tells: the one that was used longest ago is forgotten. */
const mostKnown = 16_384;

export interface SharedModel {
  readonly model: string;
  readonly version: string;
  /** The request names the version; otherwise it is the default one of now. */
  readonly isNamed: boolean;
}

interface Known {
  readonly seat: Seat;
  /** Of the sequence at the version where it was first asked for. */
  readonly name: string;
  /** Of the sequence for those who name no version. */
  readonly plainName: string;
}

export class SharedSeats {
  readonly #known = new Map<string, Known>();
  /** Of those the ones that were asked for without a version. */
  readonly #unversioned = new Map<string, Known>();
  readonly #mostKnown: number;

  constructor(most = mostKnown) {
    this.#mostKnown = most;
  }

  get known(): number {
    return this.#known.size;
  }

  /**
   * A start takes the place of what its host has under the key, when it is taken there and not before. What goes on
   * without a version stays with the one at which it began, whichever is the default by now.
   */
  claim({ key, start, end }: V2Sequence, of: SharedModel): SequenceCall {
    const known = (start ? undefined : this.#find(key, of)) ?? this.#begin(key, of);
    if (end) this.#forget(known);
    else this.#keep(known, of.isNamed);
    return { seat: known.seat, start, end };
  }

  #find(key: string, of: SharedModel): Known | undefined {
    const unversioned = of.isNamed ? undefined : this.#unversioned.get(plainNameOf(key, of));
    if (unversioned !== undefined) return unversioned;
    const known = this.#known.get(nameOf(key, of));
    // One that named no version may have been moved since.
    return known?.seat.version === of.version ? known : undefined;
  }

  /** In the place of the one that is there. */
  #begin(key: string, of: SharedModel): Known {
    const [name, plainName] = [nameOf(key, of), plainNameOf(key, of)];
    const replaced = this.#known.get(name);
    if (replaced !== undefined) this.#forget(replaced);
    if (!of.isNamed) this.#unversioned.delete(plainName);
    const onEnded = () => this.#forget(known);
    const seat = new Seat({ key, model: of.model, isShared: true, onEnded });
    const known: Known = { seat, name, plainName };
    seat.version = of.version;
    return known;
  }

  #keep(known: Known, isNamed: boolean): void {
    this.#known.delete(known.name);
    this.#known.set(known.name, known);
    if (!isNamed) this.#unversioned.set(known.plainName, known);
    if (this.#known.size > this.#mostKnown) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const known of this.#known.values()) {
      this.#forget(known);
      known.seat.link?.unseat(known.seat);
      return;
    }
  }

  #forget(known: Known): void {
    if (this.#known.get(known.name) === known) this.#known.delete(known.name);
    if (this.#unversioned.get(known.plainName) === known) this.#unversioned.delete(known.plainName);
  }
}

function nameOf(key: string, { model, version }: SharedModel): string {
  return `${model}/${version} ${key}`;
}

function plainNameOf(key: string, { model }: SharedModel): string {
  return `${model} ${key}`;
}
