import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { between, type Random, seededRandom } from "../../models/random.ts";
import type { Call } from "../../src/front-door/flight.ts";
import type { Seat } from "../../src/front-door/seat.ts";
import { defaultVersion } from "../../src/protocol/default-version.ts";
import type { ModelView, VersionState } from "../../src/protocol/views.ts";
import { frameOf, newCall, newSeat } from "./calls.ts";
import { setUp } from "./dispatching.ts";
import { FakeHost } from "./fake-host.ts";
import { RollingHost } from "./rolling-host.ts";
import { until } from "./until.ts";
import { model, version } from "./views.ts";

interface Version {
  readonly name: string;
  state: VersionState;
  hosts: RollingHost[];
}

interface Asked {
  readonly what: string;
  readonly pinned: string | undefined;
  /** Of a sequence. */
  readonly isFrame: boolean;
  readonly outcomes: string[];
}

interface Talk {
  readonly seat: Seat;
  readonly frames: Asked[];
}

/** A supervisor that rolls versions out and back, hosts that die and drain, and clients who know nothing of it. */
class Rollouts {
  readonly #t: TestContext;
  readonly #random: Random;
  readonly #parts: ReturnType<typeof setUp>;
  readonly asked: Asked[] = [];
  readonly talks: Talk[] = [];
  #versions: Version[] = [];
  /** All that live, those that are on their way out included. */
  #hosts: RollingHost[] = [];
  #defaultVersion: string | null = null;
  #view: ModelView = model({ name: "m", versions: [] });
  /** Of whoever was admitted before the last news, and is submitted after it. */
  #staleVersion = "1";
  /** What the supervisor does next. */
  readonly #plan: (() => unknown)[] = [];
  #made = 0;

  constructor(t: TestContext, seed: number) {
    this.#t = t;
    this.#random = seededRandom(seed);
    this.#parts = setUp(t);
  }

  get dispatcher() {
    return this.#parts.dispatcher;
  }

  async run(steps: number): Promise<void> {
    await this.#add("1");
    for (let step = 0; step < steps; step += 1) await this.#step();
    await this.#settle();
  }

  async #step(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.25) this.#ask();
    else if (dice < 0.4) this.#talk();
    else if (dice < 0.7) this.#work();
    else if (dice < 0.8) await new Promise(setImmediate);
    else await this.#supervise();
  }

  async #settle(): Promise<void> {
    while (this.#plan.length > 0) await this.#supervise();
    await until(() => {
      for (const host of [...this.#hosts]) {
        host.hear();
        host.answer();
        if (host.isDraining) host.dropAll();
        this.#leaveIfDrained(host);
      }
      return this.asked.every(({ outcomes }) => outcomes.length > 0);
    }, "the answers");
    for (const { seat } of this.talks) this.dispatcher.end(seat);
  }

  get loads() {
    return this.#versions.flatMap(({ name }) => this.dispatcher.loads("m", name));
  }

  #one<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(between(this.#random, 0, items.length))];
  }

  #ask(): void {
    const ready = this.#versions.filter(({ state }) => state === "ready");
    const pinned = this.#random() < 0.15 ? this.#one(ready)?.name : undefined;
    this.#submit(pinned ?? this.#admittedVersion, pinned, {});
  }

  get #admittedVersion(): string {
    if (this.#random() < 0.2) return this.#staleVersion;
    return defaultVersion(this.#view)?.version ?? "1";
  }

  #talk(): void {
    const known = this.#one(this.talks.slice(-5));
    const talk =
      known === undefined || known.seat.isOver || this.#random() < 0.3 ? this.#meet() : known;
    const start = talk.frames.length === 0;
    if (start) talk.seat.version = this.#admittedVersion;
    const sequence = frameOf(talk.seat, { start });
    talk.frames.push(this.#submit(talk.seat.version ?? "", undefined, { sequence }));
  }

  #meet(): Talk {
    const talk = { seat: newSeat({ key: `k${this.talks.length}` }), frames: [] };
    this.talks.push(talk);
    return talk;
  }

  #submit(to: string, pinned: string | undefined, changed: Partial<Call>): Asked {
    const what = `${this.asked.length} to ${to}`;
    const asked: Asked = { what, pinned, isFrame: changed.sequence !== undefined, outcomes: [] };
    this.asked.push(asked);
    this.dispatcher.submit(
      newCall({
        version: to,
        pinned: pinned !== undefined || changed.sequence?.start === false,
        requestId: String(this.asked.length),
        onDone: ({ body }) => asked.outcomes.push(`done ${body}`),
        onFailed: ({ code }) => asked.outcomes.push(code),
        ...changed,
      }),
    );
    return asked;
  }

  #work(): void {
    const host = this.#one(this.#hosts);
    if (host === undefined) return;
    host.hear();
    host.answer();
    host.answer();
    if (host.isDraining && this.#random() < 0.2) host.dropAll();
    this.#leaveIfDrained(host);
  }

  #leaveIfDrained(host: RollingHost): void {
    if (host.isDrained) this.#kill(host);
  }

  #kill(host: RollingHost): void {
    this.#hosts = this.#hosts.filter((one) => one !== host);
    host.host.hangUp();
    this.dispatcher.hostDown(host.host.view.hostId, "outside");
  }

  async #supervise(): Promise<void> {
    const next = this.#plan.shift();
    if (next !== undefined) await next();
    else if (this.#random() < 0.3) this.#planSomething();
  }

  #planSomething(): void {
    const dice = this.#random();
    if (dice < 0.5) this.#planRollout();
    else if (dice < 0.7) this.#planCrash();
    else if (dice < 0.9) this.#planReconfigure();
    else this.#planDefault();
  }

  #planRollout(): void {
    const old = this.#versions.filter(({ state }) => state === "ready");
    const next: Version = { name: String(this.#versions.length + 1), state: "loading", hosts: [] };
    this.#plan.push(
      () => this.#tell(() => this.#versions.push(next)),
      () => this.#start(next),
    );
    if (this.#random() < 0.3) this.#planCrash();
    if (this.#random() < 0.5) this.#planRollback(next);
    else for (const one of old) this.#planUnload(one);
  }

  #planUnload(old: Version): void {
    this.#plan.push(
      () => this.#retire(old, "draining"),
      () => this.#tell(() => Object.assign(old, { state: "unloaded" })),
    );
    // Its name is not used again.
    const vanished: Version = { ...old, name: `${old.name} gone` };
    if (this.#random() < 0.5) this.#plan.push(() => this.#replace(old, vanished));
  }

  /** It keeps its place, so that the next version has a new name. */
  #replace(old: Version, vanished: Version): void {
    this.#tell(() => {
      vanished.state = "unloaded";
      this.#versions = this.#versions.map((one) => (one === old ? vanished : one));
    });
  }

  #planRollback(next: Version): void {
    const kill = () => {
      for (const host of next.hosts) this.#kill(host);
    };
    if (this.#random() < 0.5) this.#plan.push(kill);
    this.#plan.push(() => this.#retire(next, "unavailable"));
  }

  #planCrash(): void {
    let struck: Version | undefined;
    this.#plan.push(
      () => {
        struck = this.#one(this.#versions.filter(({ state }) => state === "ready"));
        const host = struck && this.#one(struck.hosts);
        if (host !== undefined) this.#kill(host);
      },
      () => this.#tell(() => struck && this.#noteDead(struck)),
      () => struck?.state === "recovering" && this.#start(struck),
    );
  }

  #noteDead(struck: Version): void {
    struck.hosts = struck.hosts.filter((host) => this.#hosts.includes(host));
    if (struck.hosts.length === 0) struck.state = "recovering";
  }

  /** The version keeps its name, and swaps its hosts. */
  #planReconfigure(): void {
    this.#plan.push(async () => {
      const changed = this.#one(this.#versions.filter(({ state }) => state === "ready"));
      if (changed === undefined) return;
      const old = changed.hosts;
      changed.hosts = [];
      await this.#start(changed);
      for (const host of old) host.drain();
    });
  }

  #planDefault(): void {
    this.#plan.push(() =>
      this.#tell(() => {
        this.#defaultVersion = this.#one(this.#versions)?.name ?? null;
      }),
    );
  }

  async #add(name: string): Promise<void> {
    const first: Version = { name, state: "loading", hosts: [] };
    this.#versions.push(first);
    await this.#start(first);
  }

  async #start(of: Version): Promise<void> {
    for (let at = 0; at < 1 + this.#random(); at += 1) {
      this.#made += 1;
      const host = await FakeHost.ready(this.#t, `m/${of.name}#${at}.${this.#made}`);
      of.hosts = [...of.hosts, new RollingHost(host, of.name, this.#random)];
    }
    this.#hosts.push(...of.hosts.filter((host) => !this.#hosts.includes(host)));
    this.#tell(() => {
      of.state = "ready";
    });
  }

  #retire(old: Version, state: "draining" | "unavailable"): void {
    const { hosts } = old;
    const drain = () => {
      for (const host of hosts) host.drain();
    };
    const isFirst = this.#random() < 0.5;
    if (isFirst) drain();
    this.#tell(() => Object.assign(old, { state, hosts: [] }));
    if (!isFirst) drain();
  }

  #tell(change: () => unknown): void {
    this.#staleVersion = defaultVersion(this.#view)?.version ?? "1";
    change();
    const told = this.#versions.filter(({ name }) => !name.endsWith("gone"));
    const versions = told.map(({ name, state, hosts }) =>
      version({ version: name, state, hosts: hosts.map(({ host }) => host.view) }),
    );
    this.#view = model({ name: "m", defaultVersion: this.#defaultVersion, versions });
    this.dispatcher.update(this.#view);
  }
}

describe("Requests of a model whose versions come and go", { timeout: 60_000 }, () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    it(`are answered once, and fail only where they name a version: seed ${seed}`, async (t) => {
      const rollouts = new Rollouts(t, seed);
      await rollouts.run(1_500);
      for (const asked of rollouts.asked) judge(asked);
      for (const talk of rollouts.talks) judgeTalk(talk);
      for (const { outstandingRequests } of rollouts.loads) assert.equal(outstandingRequests, 0);
    });
  }
});

function judge({ what, pinned, isFrame, outcomes }: Asked): void {
  assert.equal(outcomes.length, 1, `${what}: ${outcomes}`);
  if (isFrame) return;
  const wanted =
    pinned === undefined ? /^done \d+$/ : RegExp(`^(done ${pinned}|model-unavailable)$`);
  assert.match(outcomes[0] ?? "", wanted, what);
}

/** All frames run in order at one version, up to the end of the sequence, which the first one does not live to see. */
function judgeTalk({ seat, frames }: Talk): void {
  const outcomes = frames.map((frame) => frame.outcomes[0] ?? "");
  const done = outcomes.filter((outcome) => outcome.startsWith("done"));
  const by = done[0]?.split(" ")[1];
  const expected = outcomes.map((_, at) =>
    at < Math.max(1, done.length) ? `done ${by} ${at + 1}` : "sequence-lost",
  );
  assert.deepEqual(outcomes, expected, seat.options.key);
  assert.deepEqual([seat.inFlight, seat.link], [0, undefined]);
}
