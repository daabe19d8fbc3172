/* A body piece by piece, no faster than it is taken, and no slower than an upload may come. */
import type { IncomingMessage } from "node:http";
import type { Clock, Millis } from "../platform/clock.ts";
import { TroupeError } from "../protocol/errors.ts";
import { beginPace, notePace, type PaceLimits, paceFailure } from "./upload-pace.ts";

export interface PacedOptions {
  readonly clock: Clock;
  readonly pace: PaceLimits;
  /** Of the whole body so far; may throw. */
  readonly onBytes: (bytes: number) => void;
}

/** Throws `request-timeout`, or `cancelled` where the caller leaves. What is not taken is left unread. */
export async function* pacedBody(
  request: IncomingMessage,
  { clock, pace, onBytes }: PacedOptions,
): AsyncGenerator<Buffer, void, undefined> {
  // The answer to a body that is refused needs the connection.
  const chunks = request.iterator({ destroyOnReturn: false });
  const beganAt = clock.now();
  let lateAt = beginPace(beganAt, pace);
  let bytes = 0;
  for (;;) {
    const late = () => paceFailure({ bytes, tookMs: clock.now() - beganAt }, pace);
    const step = await inTime(chunks.next(), { clock, lateAt, late });
    if (step.done === true) return;
    const chunk = step.value as Buffer;
    const cameAt = clock.now();
    bytes += chunk.length;
    lateAt = notePace(lateAt, { now: cameAt, bytes: chunk.length }, pace);
    onBytes(bytes);
    yield chunk;
    // The disk is slower than the sender, who owes nothing meanwhile.
    lateAt += clock.now() - cameAt;
  }
}

interface Patience {
  readonly clock: Clock;
  readonly lateAt: Millis;
  readonly late: () => TroupeError;
}

function inTime<T>(step: Promise<T>, { clock, lateAt, late }: Patience): Promise<T> {
  return new Promise((resolve, reject) => {
    const disarm = clock.after(Math.max(0, lateAt - clock.now()), () => reject(late()));
    step
      .then(resolve, (cause: unknown) => {
        reject(new TroupeError("cancelled", "the client left", { cause }));
      })
      .finally(disarm);
  });
}
