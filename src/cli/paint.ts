export type Colour = "green" | "yellow" | "red" | "dim" | "bold";

export type Paint = (colour: Colour, text: string) => string;

const codes: Readonly<Record<Colour, number>> = { green: 32, yellow: 33, red: 31, dim: 2, bold: 1 };

export function painter(isColoured: boolean): Paint {
  return isColoured
    ? (colour, text) => `\x1b[${codes[colour]}m${text}\x1b[0m`
    : (_colour, text) => text;
}

const colourOfState: Readonly<Record<string, Colour>> = {
  ready: "green",
  ok: "green",
  loading: "yellow",
  starting: "yellow",
  queued: "yellow",
  recovering: "yellow",
  draining: "yellow",
  degraded: "yellow",
  "backing-off": "yellow",
  unavailable: "red",
  "given-up": "red",
  failed: "red",
  "rolled-back": "red",
  unloaded: "dim",
  stopped: "dim",
};

export function paintState(paint: Paint, state: string): string {
  const colour = colourOfState[state];
  return colour === undefined ? state : paint(colour, state);
}
