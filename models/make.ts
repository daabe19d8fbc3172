/** Rebuilds the sample models: trains them, says how good they are, and writes what has changed. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { makeDigits } from "./digits/make.ts";
import { makeIris } from "./iris/make.ts";

function writeIfChanged(file: URL, bytes: Uint8Array): "written" | "unchanged" {
  if (existsSync(file) && readFileSync(file).equals(bytes)) return "unchanged";
  writeFileSync(file, bytes);
  return "written";
}

for (const [name, make] of Object.entries({ iris: makeIris, digits: makeDigits })) {
  const { bytes, correct, heldOut } = make();
  const percent = ((100 * correct) / heldOut).toFixed(1);
  const outcome = writeIfChanged(new URL(`${name}/model.onnx`, import.meta.url), bytes);
  console.log(`${name}: ${correct} of ${heldOut} held-out rows right (${percent} %), ${outcome}`);
}
