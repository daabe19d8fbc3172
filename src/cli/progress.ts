/* Long work on a terminal: one line on stderr that is written over, and wiped when it is over. Elsewhere nothing. */
import type { Sink } from "./shell.ts";

const barWidth = 24;
const frameMs = 100;
const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

export class Progress {
  readonly #sink: Sink;
  readonly #timer: NodeJS.Timeout | undefined;
  #text: string;
  #share: number | undefined;
  #turn = 0;

  constructor(sink: Sink, text: string) {
    this.#sink = sink;
    this.#text = text;
    if (sink.isTerminal) this.#timer = setInterval(() => this.#draw(), frameMs).unref();
  }

  /** A share from 0 to 1 shows a bar; without it nobody knows how long it takes. */
  show(text: string, share?: number): void {
    this.#text = text;
    this.#share = share;
  }

  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#sink.write("\r\x1b[K");
  }

  #draw(): void {
    this.#turn += 1;
    const line = progressLine(this.#text, this.#share, this.#turn);
    this.#sink.write(`\r${line.slice(0, this.#sink.columns - 1)}\x1b[K`);
  }
}

export function progressLine(text: string, share: number | undefined, turn: number): string {
  if (share === undefined) return `${spinner[turn % spinner.length]} ${text}`;
  const full = Math.round(share * barWidth);
  const bar = "█".repeat(full) + "░".repeat(barWidth - full);
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${text}`;
}

/** The line is wiped whatever becomes of the work. */
export async function withProgress<T>(
  sink: Sink,
  text: string,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = new Progress(sink, text);
  try {
    return await work(progress);
  } finally {
    progress.end();
  }
}
