import { createRequire } from "node:module";
import type { DestinationStream, Logger } from "pino";
import { LineSink } from "./line-sink.ts";
import { prettyLine } from "./pretty-line.ts";

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  /** Lines for a person at a terminal instead of JSON. */
  readonly pretty: boolean;
  /** The file descriptor that the lines go to. */
  readonly fd: number;
  /** Fields of every line. */
  readonly base: Readonly<Record<string, string | number>>;
  /** Gets every line too, as JSON. */
  readonly onLine?: (line: string) => void;
}

/** Lines wait at most this long, so that a busy process writes many at once. */
const flushMs = 100;
const bufferBytes = 4_096;

/** Not at the top: see LateLog. */
const loadPino = (): typeof import("pino") => createRequire(import.meta.url)("pino");

export function createLog(options: LogOptions): Log {
  const { pino, stdTimeFunctions } = loadPino();
  const own = options.pretty ? prettySink(options.fd) : bufferedSink(options.fd);
  const sink = options.onLine === undefined ? own : heardSink(own, options.onLine);
  return pino(
    {
      level: options.level,
      base: { pid: process.pid, ...options.base },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
}

function bufferedSink(fd: number): DestinationStream & Pick<LineSink, "flush"> {
  const sink = new LineSink({ fd, gatherBytes: bufferBytes });
  let isPlanned = false;
  const flush = () => {
    isPlanned = false;
    sink.flush();
  };
  process.on("exit", () => sink.end());
  return {
    write: (line) => {
      sink.write(line);
      // A process with nothing to say is not woken.
      if (!isPlanned) setTimeout(flush, flushMs).unref();
      isPlanned = true;
    },
    flush: (onDone?: () => void) => sink.flush(onDone),
  };
}

function heardSink(sink: DestinationStream, onLine: (line: string) => void): DestinationStream {
  return {
    write: (line) => {
      onLine(line);
      sink.write(line);
    },
  };
}

function prettySink(fd: number): DestinationStream {
  const sink = new LineSink({ fd, gatherBytes: 0 });
  return { write: (line) => void sink.write(prettyLine(line)) };
}
