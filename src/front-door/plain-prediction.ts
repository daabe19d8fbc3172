/* One prediction from a route of Fastify, as Troupe's own JSON: admission, deadline, cancel and figures are the hot road's. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../platform/clock.ts";
import { type Failure, toError, toFailure } from "../protocol/errors.ts";
import type { HostStages } from "../protocol/frames.ts";
import { hasMemory } from "../protocol/model-metadata.ts";
import type { AccessLog } from "./access-log.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Admitted, Entrance } from "./entrance.ts";
import { priorityOf, timeoutOf } from "./request-head.ts";
import { httpStatus } from "./statuses.ts";
import { refuseSequence } from "./v2-sequence.ts";

export interface PlainPredictionParts {
  readonly clock: Clock;
  readonly entrance: Entrance;
  readonly dispatcher: Dispatcher;
  readonly accessLog: AccessLog;
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

interface Wanted {
  readonly model: string;
  /** What `/predict/{model}` takes. */
  readonly body: Buffer;
}

/** The host's answer, read. Throws the failure that the caller gets; the permit is held until the answer has left. */
export async function predictPlainly(
  parts: PlainPredictionParts,
  { request, reply }: Exchange,
  { model, body }: Wanted,
): Promise<Readonly<Record<string, unknown>>> {
  const { clock, entrance } = parts;
  const beganAt = clock.now();
  const priority = priorityOf(request.headers["x-priority"]);
  const timeoutMs = timeoutOf(request.headers["x-request-timeout-ms"]);
  const ask = { model, version: undefined, bytes: body.length, timeoutMs, priority };
  const admitted = entrance.admit(ask);
  reply.raw.on("close", () => admitted.permit.release());
  const admissionMs = clock.now() - beganAt;
  const note = (failure: Failure | null, stages?: HostStages) => {
    const totalMs = clock.now() - beganAt;
    noteSeries(admitted, failure, { admissionMs, totalMs });
    parts.accessLog.note({
      requestId: request.id,
      route: request.routeOptions.url ?? "",
      model,
      version: admitted.target.version.version,
      status: failure === null ? 200 : httpStatus[failure.code],
      code: failure?.code ?? null,
      error: failure?.message ?? null,
      admissionMs,
      totalMs,
      stages,
    });
  };
  try {
    const { answer, stages } = await submit(parts, { request, reply }, { ...ask, admitted, body });
    note(null, stages);
    return answer;
  } catch (thrown) {
    note(toFailure(thrown));
    throw thrown;
  }
}

interface Submission extends Wanted {
  readonly admitted: Admitted;
  readonly priority: ReturnType<typeof priorityOf>;
}

function submit(
  { dispatcher }: PlainPredictionParts,
  { request, reply }: Exchange,
  { admitted, body, priority }: Submission,
) {
  const { model, version } = admitted.target;
  if (version.metadata !== null && hasMemory(version.metadata)) refuseSequence(body);
  return new Promise<{ answer: Readonly<Record<string, unknown>>; stages: HostStages }>(
    (resolve, reject) => {
      const flight = dispatcher.submit({
        model: model.name,
        version: version.version,
        pinned: false,
        codec: "predict",
        body,
        deadlineAt: admitted.deadlineAt,
        priority,
        requestId: request.id,
        stream: false,
        sequence: null,
        onChunk: () => undefined,
        // Read here, as the bytes are gone on return.
        onDone: ({ body: bytes, stages }) =>
          resolve({ answer: JSON.parse(bytes.toString()), stages }),
        onFailed: (failure) => reject(toError(failure)),
      });
      reply.raw.on("close", () => {
        if (flight.isSettled) return;
        dispatcher.cancel(flight);
        reject(toError({ code: "cancelled", message: "the client left" }));
      });
    },
  );
}

function noteSeries(
  { series }: Admitted,
  failure: Failure | null,
  { admissionMs, totalMs }: { readonly admissionMs: number; readonly totalMs: number },
): void {
  series.predictions(failure?.code ?? "ok").add();
  series.admission.observe(admissionMs / 1e3);
  series.total.observe(totalMs / 1e3);
}
