import type { Contestant, ContestantName } from "./contestant.ts";
import type { Arrivals, Transport } from "./driver/message.ts";
import { binaryRequest, jsonRequest, tensorValues } from "./tensor-request.ts";

/** What is asked. */
export interface Question {
  readonly transport: Transport;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** What a contestant does without a network, where the work is compared with that. */
export interface Bare {
  readonly model: string;
  /** Of one row. */
  readonly shape: readonly number[];
  /** Rows in each run; undefined is whatever is fastest. */
  readonly batch: number | undefined;
}

/** What is asked of contestants, and by how many at once. */
export interface Work extends Question {
  readonly name: string;
  readonly connections: number;
  /** Requests in flight on each connection. */
  readonly depth: number;
  readonly arrivals: Arrivals;
  readonly contestants: readonly ContestantName[];
  readonly bare?: Bare;
}

export function contestantsOf(
  work: Work,
  contestants: readonly Contestant[],
): readonly Contestant[] {
  return contestants.filter(({ name }) => work.contestants.includes(name));
}

const json = { "content-type": "application/json" };

/** One flower, one row: the least that a prediction can be. */
export const tiny = {
  transport: "http",
  path: "/predict/iris",
  headers: json,
  body: '{"features":[5.1,3.5,1.4,0.2]}',
} as const satisfies Question;

/** Asked before anything is measured: answers must agree on each species, and on several rows. */
export const moreFlowers = [
  '{"features":[[7.0,3.2,4.7,1.4]]}',
  '{"features":[[6.3,3.3,6.0,2.5],[4.9,3.0,1.4,0.2]]}',
];

/** The same flower as `tiny`. */
const tinyFrame = {
  transport: "websocket",
  path: "/v2/models/iris/stream",
  headers: {},
  body: '{"type":"infer","id":1,"features":[5.1,3.5,1.4,0.2]}',
} as const satisfies Question;

/** A frame of a sequence, which is one value of its signal. */
export function signalFrame(id: number, value: number): string {
  return JSON.stringify({ type: "infer", id, features: [value] });
}

/** The least that a step of a sequence can be; each connection is a sequence. */
export const smoother = {
  transport: "websocket",
  path: "/v2/models/smoother/stream",
  headers: {},
  body: signalFrame(1, 0.5),
} as const satisfies Question;

const rowOfMlp = [784];
const picture = [3, 240, 320];

function tensorQuestion(
  model: string,
  row: readonly number[],
  encode: typeof jsonRequest,
): Question {
  const values = tensorValues(row.reduce((product, size) => product * size, 1));
  const request = encode([1, ...row], values);
  return { transport: "http", path: `/v2/models/${model}/infer`, ...request };
}

const mlp = (encode: typeof jsonRequest) => tensorQuestion("mlp", rowOfMlp, encode);
const image = (encode: typeof jsonRequest) => tensorQuestion("image", picture, encode);

const usual = { depth: 1, arrivals: { type: "closed" } } as const;
const served = ["troupe", "single", "fastapi"] as const;
const compared = ["troupe", "echo", "single", "fastapi"] as const;
const limited = ["troupe", "single", "fastapi", "bare"] as const;
const alone = ["troupe"] as const;

/** Bodies are large, and made when they are wanted. */
const makers = {
  "tiny-64": () => ({ ...usual, ...tiny, connections: 64, contestants: compared }),
  "tiny-1": () => ({ ...usual, ...tiny, connections: 1, contestants: compared }),
  "ws-64": () => ({ ...usual, ...tinyFrame, connections: 4, depth: 16, contestants: alone }),
  "mlp-json-64": () => ({ ...usual, ...mlp(jsonRequest), connections: 64, contestants: served }),
  "mlp-64": () => ({
    ...usual,
    ...mlp(binaryRequest),
    connections: 64,
    contestants: limited,
    bare: { model: "mlp", shape: rowOfMlp, batch: undefined },
  }),
  "image-json-4": () => ({ ...usual, ...image(jsonRequest), connections: 4, contestants: served }),
  "image-4": () => ({
    ...usual,
    ...image(binaryRequest),
    connections: 4,
    contestants: limited,
    bare: { model: "image", shape: picture, batch: 1 },
  }),
  "smoother-1": () => ({ ...usual, ...smoother, connections: 1, contestants: alone }),
  "smoother-200": () => ({ ...usual, ...smoother, connections: 200, contestants: alone }),
} satisfies Record<string, () => Omit<Work, "name">>;

export type WorkName = keyof typeof makers;
export const workNames = Object.keys(makers) as readonly WorkName[];

/** Those with the names, and one in an open loop where there is a rate for it. */
export function works(
  names: readonly WorkName[],
  ratePerSecond: number | undefined,
): readonly Work[] {
  const closed = names.map((name): Work => ({ name, ...makers[name]() }));
  if (ratePerSecond === undefined) return closed;
  const open: Arrivals = { type: "open", perSecond: ratePerSecond };
  const rated = { ...usual, ...tiny, connections: 256, arrivals: open, contestants: compared };
  return [...closed, { name: "tiny-rate", ...rated }];
}
