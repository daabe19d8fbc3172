/* Takes the traces of all front doors, within the settings, and keeps the last ones; files get a line each. */
import type { Log } from "../src/platform/log.ts";
import type { DoorCommand } from "../src/protocol/control.ts";
import { TroupeError, toFailure } from "../src/protocol/errors.ts";
import type { Question, Reply } from "../src/protocol/questions.ts";
import {
  type HostPoints,
  type Trace,
  type TraceChange,
  tracesNothing,
} from "../src/protocol/traces.ts";
import { checkTraceFile, TraceFiles } from "./trace-file.ts";
import { TraceSettingsBook } from "./trace-settings.ts";

export interface TracingParts {
  readonly log: Pick<Log, "warn">;
  /** An absolute path; empty allows no files. */
  readonly traceFolder: string;
}

interface Told {
  send(command: DoorCommand): void;
}

export type TraceQuestion = Extract<Question, { type: "trace-setting" | "traces" }>;

/** How many of the last traces are kept. */
const tracesKept = 1_000;

export class Tracing {
  readonly #parts: TracingParts;
  readonly #tellDoors: Told["send"];
  readonly #book = new TraceSettingsBook();
  readonly #files: TraceFiles;
  readonly #kept: TraceJson[] = [];
  #lastId = 0;

  constructor(parts: TracingParts, tellDoors: Told["send"]) {
    this.#parts = parts;
    this.#tellDoors = tellDoors;
    this.#files = new TraceFiles(parts.traceFolder, (thrown) =>
      parts.log.warn({ err: thrown }, "cannot write traces"),
    );
  }

  /** A front door that starts traces nothing. */
  brief(door: Told): void {
    const { plan } = this.#book;
    if (plan !== tracesNothing) door.send({ type: "trace-plan", plan });
  }

  answer(question: TraceQuestion): Reply {
    try {
      return { type: "body", body: JSON.stringify(this.#answer(question)) };
    } catch (thrown) {
      if (!(thrown instanceof TroupeError)) throw thrown;
      return { type: "failed", failure: toFailure(thrown) };
    }
  }

  note(traces: readonly Trace[]): void {
    const taken = traces.filter(({ model }) => this.#book.spend(model));
    for (const trace of taken) this.#keep(trace);
    // Other front doors would go on, for nothing.
    if (taken.some(({ model }) => this.#book.isOver(model))) this.#tellPlan();
  }

  /** The model is gone: the next one of its name is traced as all are. */
  forget(model: string): void {
    if (this.#book.forget(model)) this.#tellPlan();
  }

  #answer(question: TraceQuestion): unknown {
    const { model } = question;
    if (question.type === "trace-setting") return this.#change(model, question.change);
    const wanted = this.#kept.filter((trace) => model === null || trace.model === model);
    return { traces: wanted.toReversed() };
  }

  #change(model: string | null, change: TraceChange): unknown {
    if (Object.keys(change).length > 0) {
      if (change.file !== undefined && change.file !== false) {
        checkTraceFile(change.file, this.#parts.traceFolder);
      }
      this.#book.change(model, change);
      this.#tellPlan();
    }
    return this.#book.get(model);
  }

  #tellPlan(): void {
    this.#tellDoors({ type: "trace-plan", plan: this.#book.plan });
  }

  #keep(trace: Trace): void {
    this.#lastId += 1;
    const json = traceJson(this.#lastId, trace);
    this.#kept.push(json);
    if (this.#kept.length > tracesKept) this.#kept.shift();
    const { file, logFrequency } = this.#book.get(trace.model);
    if (file !== "") this.#files.append(file, logFrequency, `${JSON.stringify(json)}\n`);
  }
}

type TraceJson = ReturnType<typeof traceJson>;

/** Points are nanoseconds on CLOCK_MONOTONIC, in the order in which a request passes them. */
function traceJson(id: number, trace: Trace) {
  const { requestId: request_id, model, version, status, host } = trace;
  const timestamps = {
    received: ns(trace.receivedAt),
    admitted: ns(trace.admittedAt),
    sent: ns(trace.sentAt),
    ...hostJson(host),
    written: ns(trace.writtenAt),
  };
  return {
    id,
    request_id,
    model,
    version,
    status,
    batch_rows: host?.batchRows || null,
    timestamps,
  };
}

function hostJson(host: HostPoints | null) {
  return {
    queued: ns(host?.queuedAt),
    batch_begun: ns(host?.batchBegunAt),
    run_begun: ns(host?.runBegunAt),
    run_ended: ns(host?.runEndedAt),
    answered: ns(host?.answeredAt),
  };
}

function ns(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : Math.round(ms * 1e6);
}
