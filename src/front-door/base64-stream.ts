/* Base64 (RFC 4648, with its padding) that comes in pieces of any length. */

const letters = /^[A-Za-z0-9+/]*$/;
const padded = /^[A-Za-z0-9+/]*={0,2}$/;

export class Base64Stream {
  /** Fewer than four letters. */
  #rest = "";
  #isPadded = false;

  /** The bytes that are whole by now; undefined where the text is no base64. */
  push(text: string): Buffer | undefined {
    const joined = this.#rest + text;
    const whole = joined.length - (joined.length % 4);
    const ready = joined.slice(0, whole);
    this.#rest = joined.slice(whole);
    if (this.#isPadded && joined !== "") return undefined;
    const isPlain = letters.test(ready);
    if (!isPlain && !padded.test(ready)) return undefined;
    this.#isPadded = !isPlain;
    return Buffer.from(ready, "base64");
  }

  /** Whether the text may end here. */
  get isWhole(): boolean {
    return this.#rest === "";
  }
}
