import { setFlagsFromString } from "node:v8";

/** Per cent of what is alive, by which a heap grows before V8 collects all of it; by itself it allows up to 300. */
const growthPercent = 450;

/**
 * For a process through which large bodies pass: V8 counts their memory as heap, so that a front door of 9 MB was
 * collected with every 25th picture of [1,3,240,320], and spent 1.6 ms on each where it spends 0.5 now; 1.4 times as many
 * are answered (2026-11-26, `npm run bench -- --works image`). With eight bodies of 20 MB at once 341 MB were resident
 * instead of 256 (at 600 per cent); at the limit of what may be in flight it was the same again. On the command line the
 * flag would cost a sixth of the start, as Node's own code cache fits no other flags than it was made with.
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
}
