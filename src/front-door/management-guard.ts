/* Who may change models, and watch their feed: a page of somebody else may not, although it runs on this machine. */
import type { IncomingHttpHeaders } from "node:http";
import { isIPv4 } from "node:net";
import type { FastifyRequest } from "fastify";
import type { DoorSettings } from "../protocol/control.ts";
import { TroupeError } from "../protocol/errors.ts";

export interface ManagementAsk {
  readonly management: DoorSettings["management"];
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly secFetchSite: string | undefined;
  /** Beside the server's own. */
  readonly allowedOrigins: readonly string[];
}

export const offWords =
  "models cannot be changed here: the server listens beyond this machine and has no keys; " +
  "start it with --insecure-no-auth to allow everyone to";

export function askOf(
  headers: IncomingHttpHeaders,
  { management, allowedOrigins }: Pick<DoorSettings, "management" | "allowedOrigins">,
): ManagementAsk {
  const site = headers["sec-fetch-site"];
  const secFetchSite = site === undefined ? undefined : String(site);
  return { management, allowedOrigins, host: headers.host, origin: headers.origin, secFetchSite };
}

/** For a route's `onRequest`: before anything of the body is read. */
export function guardOf(settings: Pick<DoorSettings, "management" | "allowedOrigins">) {
  return async ({ raw }: FastifyRequest): Promise<void> => {
    const refusal = judgeManagement(askOf(raw.headers, settings));
    if (refusal !== undefined) throw refusal;
  };
}

/** Undefined where it is allowed. */
export function judgeManagement(ask: ManagementAsk): TroupeError | undefined {
  if (ask.management === "off") return forbidden(offWords);
  // Against DNS rebinding, where a foreign name points to this machine and all origins are "the same".
  if (ask.management === "guarded" && !isOwnName(ask.host ?? "")) {
    return forbidden(`host must be localhost or a loopback address, got '${ask.host ?? ""}'`);
  }
  return judgeOrigin(ask);
}

function judgeOrigin(ask: ManagementAsk): TroupeError | undefined {
  const { origin, secFetchSite } = ask;
  if (origin !== undefined && origin !== "null" && ask.allowedOrigins.includes(origin)) {
    return undefined;
  }
  if (origin !== undefined && !isSameOrigin(origin, ask.host)) {
    return forbidden(`origin '${origin}' is neither the server's own nor among the allowed ones`);
  }
  if (secFetchSite === undefined || ["same-origin", "none"].includes(secFetchSite)) {
    return undefined;
  }
  return forbidden(`sec-fetch-site must be same-origin or none, got '${secFetchSite}'`);
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined) return false;
  const own = host.toLowerCase();
  return [`http://${own}`, `https://${own}`].includes(origin.toLowerCase());
}

function isOwnName(host: string): boolean {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d{1,5})?$/.exec(host.toLowerCase());
  if (match === null) return false;
  const [, ipv6, name = ""] = match;
  if (ipv6 !== undefined) return ipv6 === "::1";
  if (isIPv4(name)) return name.startsWith("127.");
  return name === "localhost" || name.endsWith(".localhost");
}

function forbidden(words: string): TroupeError {
  return new TroupeError("forbidden", words);
}
