// How Troupe is started for a measurement, and which process of it does what.
import { join } from "node:path";
import { type Contestant, type ContestantSpec, startContestant } from "./contestant.ts";

const entry = join("dist", "src", "main.js");

export interface TroupeSettings extends Pick<ContestantSpec, "readyLimitMs" | "pollMs"> {
  readonly models: string;
  readonly logLevel?: string;
  readonly frontDoors?: number;
}

export function troupeSpec(settings: TroupeSettings): ContestantSpec {
  const { models, logLevel = "warn", frontDoors = 1, ...timing } = settings;
  const flags = { models, "log-level": logLevel, "front-doors": frontDoors, "grpc-port": 0 };
  const fixed = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return {
    name: "troupe",
    commandArguments: (port) => [entry, "--port", String(port), ...fixed],
    ...timing,
  };
}

export function startTroupe(models: string): Promise<Contestant> {
  return startContestant(troupeSpec({ models }));
}

interface Tree {
  readonly front_doors: readonly { readonly pid: number | null }[];
  readonly models: readonly {
    readonly name: string;
    readonly versions: readonly {
      readonly hosts: readonly { readonly pid: number | null; readonly state: string }[];
    }[];
  }[];
}

/** The processes of a part of Troupe; only those that are ready. */
export interface Parts {
  readonly supervisor: readonly number[];
  readonly "front door": readonly number[];
  readonly host: readonly number[];
}

export const partNames = ["supervisor", "front door", "host"] as const;
export type PartName = (typeof partNames)[number];

export async function readParts({ port, pid }: Contestant): Promise<Parts> {
  const response = await fetch(`http://127.0.0.1:${port}/supervisor`);
  const tree = (await response.json()) as Tree;
  const hosts = tree.models.flatMap(({ versions }) => versions.flatMap((version) => version.hosts));
  return {
    supervisor: [pid],
    "front door": tree.front_doors.flatMap((door) => door.pid ?? []),
    host: hosts.flatMap((host) => (host.state === "ready" ? (host.pid ?? []) : [])),
  };
}
