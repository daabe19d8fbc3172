// Draws what is promised and what was measured: one bar for each target, all against the same line.
import { type Finding, isMet, type Promised } from "./finding.ts";
import { boundText, promisedOf, valueText } from "./report.ts";

const width = 872;
const rowHeight = 24;
const barHeight = 12;
const whatAt = 116;
const top = 74;
const bottom = 16;
const barsAt = 422;
const barsEndAt = 672;
/** Bars that are longer are cut. */
const longest = 2.5;

/** How far the target is reached: 1 is just met, whichever way it goes. */
export function reach({ measured, bound }: Promised): number {
  const { median } = measured;
  return bound.type === "at-least" ? median / bound.limit : bound.limit / Math.max(median, 1e-9);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function xOf(value: number): number {
  const cut = Math.min(longest, Math.max(0, value));
  return barsAt + (cut / longest) * (barsEndAt - barsAt);
}

function row(finding: Promised, place: number): string {
  const middle = top + place * rowHeight + rowHeight / 2;
  const barTop = middle - barHeight / 2;
  const end = xOf(reach(finding));
  const kind = isMet(finding) ? "met" : "missed";
  const value = finding.measured.median;
  const short = valueText({ ...finding, measured: { median: value, min: value, max: value } });
  const isCut = reach(finding) > longest;
  const tip = isCut ? `<path class="${kind}" d="M${end} ${barTop}l7 6l-7 6z"/>` : "";
  return [
    `<text x="8" y="${middle + 4}" class="work">${escapeXml(finding.work)}</text>`,
    `<text x="${whatAt}" y="${middle + 4}">${escapeXml(finding.what)}</text>`,
    `<rect class="${kind}" x="${barsAt}" y="${barTop}" width="${(end - barsAt).toFixed(1)}" height="${barHeight}"/>${tip}`,
    `<text x="${barsEndAt + 18}" y="${middle + 4}">${escapeXml(`${short}, ${boundText(finding)}`)}</text>`,
  ].join("\n");
}

const style = `
text { font: 12px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.work { font-weight: 600; }
.quiet { fill: #59636e; }
.paper { fill: #ffffff; }
.met { fill: #2f81c7; }
.missed { fill: #d9822b; }
.target { stroke: #1f2328; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .quiet { fill: #9198a1; } .paper { fill: #0d1117; }
  .target { stroke: #e6edf3; }
}`;

/** An SVG that stands alone; its colours follow the reader's scheme. */
export function chart(findings: readonly Finding[], date: string): string {
  const promised = promisedOf(findings);
  const height = top + promised.length * rowHeight + bottom;
  const line = xOf(1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Troupe's targets and what was measured">`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text x="8" y="24" class="title">Troupe against its targets, ${date}</text>`,
    `<text x="8" y="44" class="quiet">A bar that reaches the line meets its target; longer is better. Blue: met, orange: missed.</text>`,
    `<text x="${line}" y="${top - 6}" text-anchor="middle" class="quiet">target</text>`,
    ...promised.map(row),
    `<line class="target" x1="${line}" x2="${line}" y1="${top}" y2="${height - bottom}"/>`,
    "</svg>\n",
  ].join("\n");
}
