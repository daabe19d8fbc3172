import { painter } from "../../src/cli/paint.ts";

/** As where there is no terminal. */
export const plainPaint = painter(false);
