import type { TestContext } from "node:test";
import { Dispatcher } from "../../src/front-door/dispatcher.ts";
import type { Call } from "../../src/front-door/flight.ts";
import type { HostView, ModelView, VersionView } from "../../src/protocol/views.ts";
import { FakeClock } from "../fake-clock.ts";
import { newCall } from "./calls.ts";
import { FakeHost } from "./fake-host.ts";
import { until } from "./until.ts";
import { model, version } from "./views.ts";

export function view(hosts: readonly HostView[], changed: Partial<VersionView> = {}): ModelView {
  return model({ name: "m", versions: [version({ metadata: null, hosts, ...changed })] });
}

/** A dispatcher that knows of no host yet, but that one is on its way. */
export function setUp(t: TestContext) {
  const clock = new FakeClock(1_000);
  const replays: string[] = [];
  const lost: string[] = [];
  const violations: string[] = [];
  const hostIds = new Set<string>();
  const dispatcher = new Dispatcher(clock, {
    onReplay: (_flight, reason) => replays.push(reason),
    onSequenceLost: ({ options }) => lost.push(options.key),
    onViolation: (hostId, reason) => violations.push(`${hostId}: ${reason}`),
  });
  dispatcher.update(view([], { state: "recovering" }));
  t.after(() => {
    for (const hostId of hostIds) dispatcher.hostDown(hostId, "outside");
  });
  const update = (...hosts: readonly FakeHost[]) => {
    for (const { view: one } of hosts) hostIds.add(one.hostId);
    dispatcher.update(view(hosts.map((host) => host.view)));
  };
  return { clock, dispatcher, replays, lost, violations, update };
}

/** A dispatcher that is connected to its hosts, which have a place each. */
export async function serving(t: TestContext, count = 1) {
  const parts = setUp(t);
  const hosts: FakeHost[] = [];
  for (let at = 0; at < count; at += 1) hosts.push(await FakeHost.ready(t, `m/1#${at}.1`));
  parts.update(...hosts);
  await until(() => parts.dispatcher.loads("m", "1").length === count, "connections");
  return { ...parts, hosts, host: hosts[0] as FakeHost };
}

/** Asks, and keeps what comes of it. */
export function ask(dispatcher: Dispatcher, changed: Partial<Call> = {}) {
  const events: string[] = [];
  const call = newCall({
    onChunk: ({ body }) => events.push(`chunk ${Buffer.from(body)}`),
    onDone: ({ body }) => events.push(`done ${body}`),
    onFailed: ({ code }) => events.push(code),
    ...changed,
  });
  const flight = dispatcher.submit(call);
  return { flight, events, settled: () => until(() => events.length > 0, "an answer") };
}

/** Whatever the host has said before has been heard when this resolves. */
export async function heardAll(dispatcher: Dispatcher, host: FakeHost): Promise<void> {
  const last = ask(dispatcher, { requestId: "last" });
  const seen = () => host.requests.find(({ requestId }) => requestId === "last");
  await until(() => seen() !== undefined);
  host.done(seen()?.id ?? -1);
  await last.settled();
}
