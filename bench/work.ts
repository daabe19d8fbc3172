import type { Arrivals, Transport } from "./driver/message.ts";

/** What is asked of a contestant, and by how many at once. */
export interface Work {
  readonly name: string;
  readonly transport: Transport;
  readonly path: string;
  readonly body: string;
  readonly connections: number;
  readonly arrivals: Arrivals;
}

/** One flower, one row: the least that a prediction can be. */
export const tiny = {
  transport: "http",
  path: "/predict/iris",
  body: '{"features":[5.1,3.5,1.4,0.2]}',
} as const;

/** Asked before anything is measured: answers must agree on each species, and on several rows. */
export const probes = {
  path: tiny.path,
  bodies: [
    tiny.body,
    '{"features":[[7.0,3.2,4.7,1.4]]}',
    '{"features":[[6.3,3.3,6.0,2.5],[4.9,3.0,1.4,0.2]]}',
  ],
};

/** A frame of a sequence, which is one value of its signal. */
export function signalFrame(id: number, value: number): string {
  return JSON.stringify({ type: "infer", id, features: [value] });
}

/** The least that a step of a sequence can be; each connection is a sequence. */
export const smoother = {
  transport: "websocket",
  path: "/v2/models/smoother/stream",
  body: signalFrame(1, 0.5),
} as const;

const arrivals: Arrivals = { type: "closed" };

const closedWorks = [
  { name: "tiny-64", ...tiny, connections: 64, arrivals },
  { name: "tiny-1", ...tiny, connections: 1, arrivals },
  { name: "smoother-1", ...smoother, connections: 1, arrivals },
  { name: "smoother-200", ...smoother, connections: 200, arrivals },
] as const satisfies readonly Work[];

export type WorkName = (typeof closedWorks)[number]["name"];
export const workNames: readonly WorkName[] = closedWorks.map(({ name }) => name);

/** Those with the names, and one in an open loop where there is a rate for it. */
export function works(
  names: readonly WorkName[],
  ratePerSecond: number | undefined,
): readonly Work[] {
  const closed = closedWorks.filter(({ name }) => names.includes(name));
  if (ratePerSecond === undefined) return closed;
  const open: Arrivals = { type: "open", perSecond: ratePerSecond };
  return [...closed, { name: "tiny-rate", ...tiny, connections: 256, arrivals: open }];
}
