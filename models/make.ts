/** Rebuilds the sample models: trains those that learn, says how good they are, and writes what has changed. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { makeDigits } from "./digits/make.ts";
import { makeIris } from "./iris/make.ts";
import { makeSmoother } from "./smoother/make.ts";

function write(name: string, bytes: Uint8Array): "written" | "unchanged" {
  const file = new URL(`${name}/model.onnx`, import.meta.url);
  if (existsSync(file) && readFileSync(file).equals(bytes)) return "unchanged";
  writeFileSync(file, bytes);
  return "written";
}

for (const [name, make] of Object.entries({ iris: makeIris, digits: makeDigits })) {
  const { bytes, correct, heldOut } = make();
  const percent = ((100 * correct) / heldOut).toFixed(1);
  const outcome = write(name, bytes);
  console.log(`${name}: ${correct} of ${heldOut} held-out rows right (${percent} %), ${outcome}`);
}

console.log(`smoother: made by formula, ${write("smoother", makeSmoother())}`);
