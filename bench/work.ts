import type { Arrivals } from "./driver/message.ts";

/** What is asked of a contestant, and by how many at once. */
export interface Work {
  readonly name: string;
  readonly path: string;
  readonly body: string;
  readonly connections: number;
  readonly arrivals: Arrivals;
}

/** One flower, one row: the least that a prediction can be. */
export const tiny = { path: "/predict/iris", body: '{"features":[5.1,3.5,1.4,0.2]}' };

/** Asked before anything is measured: answers must agree on each species, and on several rows. */
export const probes = {
  path: tiny.path,
  bodies: [
    tiny.body,
    '{"features":[[7.0,3.2,4.7,1.4]]}',
    '{"features":[[6.3,3.3,6.0,2.5],[4.9,3.0,1.4,0.2]]}',
  ],
};

export function works(ratePerSecond: number | undefined): readonly Work[] {
  const closed: readonly Work[] = [
    { name: "tiny-64", ...tiny, connections: 64, arrivals: { type: "closed" } },
    { name: "tiny-1", ...tiny, connections: 1, arrivals: { type: "closed" } },
  ];
  if (ratePerSecond === undefined) return closed;
  const arrivals: Arrivals = { type: "open", perSecond: ratePerSecond };
  return [...closed, { name: "tiny-rate", ...tiny, connections: 256, arrivals }];
}
