import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { between, type Random, seededRandom } from "../../models/random.ts";
import type { Dispatcher } from "../../src/front-door/dispatcher.ts";
import type { Flight } from "../../src/front-door/flight.ts";
import type { SeatEnd } from "../../src/front-door/seat.ts";
import type { FakeClock } from "../fake-clock.ts";
import { frameOf, newCall, newSeat } from "./calls.ts";
import { CountingHost } from "./counting-host.ts";
import { setUp } from "./dispatching.ts";
import { FakeHost } from "./fake-host.ts";
import { until } from "./until.ts";

/** A client of one sequence, which knows what each answer must be made of. */
class Client {
  readonly #dispatcher: Dispatcher;
  readonly #clock: FakeClock;
  readonly #answers: string[] = [];
  readonly #refused = new Set<string>();
  /** The first frame that was given up. */
  #brokenAt = Number.POSITIVE_INFINITY;
  readonly flights: Flight[] = [];
  readonly ends: SeatEnd[] = [];
  readonly seat;

  constructor(dispatcher: Dispatcher, clock: FakeClock, key: string) {
    this.#dispatcher = dispatcher;
    this.#clock = clock;
    this.seat = newSeat({ key, onEnded: (reason) => this.ends.push(reason) });
  }

  get isAnswered(): boolean {
    return this.#answers.length === this.flights.length;
  }

  send(allowanceMs: number): void {
    const number = String(this.flights.length + 1);
    this.flights.push(
      this.#dispatcher.submit(
        newCall({
          requestId: number,
          deadlineAt: this.#clock.now() + allowanceMs,
          sequence: frameOf(this.seat, { start: number === "1" }),
          onDone: ({ body }) => this.#note(number, String(body)),
          onFailed: ({ code }) => this.#note(number, code),
        }),
      ),
    );
  }

  cancel(flight: Flight): void {
    this.#dispatcher.cancel(flight, () => this.#note(flight.call.requestId, "cancelled"));
  }

  #note(number: string, outcome: string): void {
    assert.ok(!this.#answers.includes(number), `frame ${number} is answered twice`);
    this.#answers.push(number);
    if (outcome === "invalid-request") this.#refused.add(number);
    if (outcome === "cancelled" || outcome === "deadline-exceeded") {
      this.#brokenAt = Math.min(this.#brokenAt, Number(number));
    }
    if (!/^\d/.test(outcome)) return;
    assert.ok(Number(number) < this.#brokenAt, `frame ${number} is done behind ${this.#brokenAt}`);
    const all = Array.from({ length: Number(number) }, (_, at) => String(at + 1));
    const made = all.filter((one) => !this.#refused.has(one));
    assert.equal(outcome, made.join(), `frame ${number} of ${this.seat.options.key}`);
  }
}

/** Clients and hosts that do all that they may, in the order that chance has. */
class Turmoil {
  readonly #t: TestContext;
  readonly #random: Random;
  readonly #parts: ReturnType<typeof setUp>;
  readonly hosts: CountingHost[] = [];
  readonly clients: Client[] = [];
  #talking: Client[] = [];
  #incarnation = 0;

  constructor(t: TestContext, seed: number) {
    this.#t = t;
    this.#random = seededRandom(seed);
    this.#parts = setUp(t);
  }

  get dispatcher(): Dispatcher {
    return this.#parts.dispatcher;
  }

  async begin(hosts: number): Promise<void> {
    for (let at = 0; at < hosts; at += 1) await this.#addHost();
  }

  async step(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.42) this.#send();
    else if (dice < 0.7) this.#work();
    else if (dice < 0.78) await new Promise(setImmediate);
    else if (dice < 0.84) this.#leave();
    else if (dice < 0.89) this.#parts.clock.advance(between(this.#random, 0, 10));
    else if (dice < 0.93) this.#endOne();
    else if (dice < 0.96) this.#one(this.hosts)?.dropIdle();
    else if (dice < 0.98) await this.#kill();
    else this.#one(this.hosts)?.drain();
  }

  /** All is answered, and all sequences that are left are ended. */
  async settle(): Promise<void> {
    await until(() => {
      for (const host of this.hosts) {
        host.hear();
        host.answer();
        if (host.isDraining) host.dropAll();
      }
      this.#parts.clock.advance(1);
      return this.clients.every(({ isAnswered }) => isAnswered);
    }, "the answers");
    for (const { seat } of this.clients) this.dispatcher.end(seat);
    await until(() => {
      for (const host of this.hosts) host.hear();
      return this.hosts.every(({ sequences }) => sequences.size === 0);
    }, "the end of all sequences at the hosts");
  }

  #one<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(between(this.#random, 0, items.length))];
  }

  #send(): void {
    if (this.#talking.length < 5) this.#meet();
    const client = this.#one(this.#talking);
    const count = Math.ceil(between(this.#random, 0, 3));
    for (let at = 0; at < count; at += 1) client?.send(between(this.#random, 10, 200));
    if (client?.seat.isOver) this.#talking = this.#talking.filter((one) => one !== client);
  }

  #meet(): void {
    const { dispatcher, clock } = this.#parts;
    const client = new Client(dispatcher, clock, `k${this.clients.length}`);
    this.clients.push(client);
    this.#talking.push(client);
  }

  #work(): void {
    const host = this.#one(this.hosts);
    host?.hear();
    for (let at = 0; at < 3; at += 1) host?.answer();
    if (host?.isDraining && this.#random() < 0.05) host.dropAll();
  }

  #leave(): void {
    const client = this.#one(this.#talking);
    const flight = client && this.#one(client.flights.slice(-3));
    if (flight !== undefined) client?.cancel(flight);
  }

  #endOne(): void {
    const client = this.#one(this.#talking);
    if (client === undefined || !client.isAnswered) return;
    this.dispatcher.end(client.seat);
    this.#talking = this.#talking.filter((one) => one !== client);
  }

  async #kill(): Promise<void> {
    const dead = this.#one(this.hosts);
    if (dead === undefined) return;
    dead.sayRunning();
    await new Promise(setImmediate);
    this.hosts.splice(this.hosts.indexOf(dead), 1);
    dead.host.hangUp();
    this.dispatcher.hostDown(dead.host.view.hostId, this.#random() < 0.5 ? "model" : "outside");
    await this.#addHost();
  }

  async #addHost(): Promise<void> {
    this.#incarnation += 1;
    const host = await FakeHost.ready(this.#t, `m/1#0.${this.#incarnation}`);
    this.hosts.push(new CountingHost(host, this.#random));
    this.#parts.update(...this.hosts.map((each) => each.host));
  }
}

describe("Sequences at hosts that come and go", { timeout: 60_000 }, () => {
  for (const [seed, hosts] of [
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 4],
  ] as const) {
    it(`run in order on a state of their own, are answered once, and leave nothing: seed ${seed}, ${hosts} hosts`, async (t) => {
      const turmoil = new Turmoil(t, seed);
      await turmoil.begin(hosts);
      for (let step = 0; step < 3_000; step += 1) await turmoil.step();
      await turmoil.settle();
      for (const { seat, ends } of turmoil.clients) {
        assert.deepEqual([seat.inFlight, seat.link, seat.isOver], [0, undefined, true]);
        assert.ok(ends.length <= 1, `${seat.options.key} ends ${ends.length} times`);
      }
      for (const load of turmoil.dispatcher.loads("m", "1")) {
        assert.deepEqual([load.outstandingRequests, load.outstandingBytes], [0, 0]);
      }
    });
  }
});
