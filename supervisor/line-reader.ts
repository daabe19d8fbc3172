/** Cuts text into lines, and keeps no more of any than is wanted, however long it is. */
export class LineReader {
  readonly #maxLength: number;
  #kept = "";

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  push(chunk: string, onLine: (line: string) => void): void {
    let from = 0;
    for (let at = chunk.indexOf("\n"); at !== -1; at = chunk.indexOf("\n", from)) {
      this.#keep(chunk, from, at);
      this.#give(onLine);
      from = at + 1;
    }
    this.#keep(chunk, from, chunk.length);
  }

  /** Gives what came after the last newline. */
  end(onLine: (line: string) => void): void {
    if (this.#kept !== "") this.#give(onLine);
  }

  #keep(chunk: string, from: number, to: number): void {
    const room = this.#maxLength - this.#kept.length;
    if (room > 0) this.#kept += chunk.slice(from, Math.min(to, from + room));
  }

  #give(onLine: (line: string) => void): void {
    const line = this.#kept;
    this.#kept = "";
    onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}
