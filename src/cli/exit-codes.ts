import type { ClientErrorCode, TroupeClientError } from "../client/client-error.ts";

/** What the shell is told; the README lists them. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  later: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The same call may succeed at another time. */
const passing: ReadonlySet<ClientErrorCode> = new Set([
  "rate-limited",
  "overloaded",
  "model-unavailable",
  "host-crashed",
  "sequence-lost",
  "draining",
  "deadline-exceeded",
  "request-timeout",
]);

export function exitCodeOf({ code, retryAfterMs }: TroupeClientError): ExitCode {
  if (code === "unreachable") return exitCode.unreachable;
  const isPassing = passing.has(code) || (code === "conflict" && retryAfterMs !== undefined);
  return isPassing ? exitCode.later : exitCode.failed;
}

/** Something is wrong with what was typed, or with a file that it names. */
export class UsageError extends Error {}
