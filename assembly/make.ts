// The `npm run assembly` command: compiles what is AssemblyScript here into a module that holds its WebAssembly.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, moduleText } from "./compile.ts";

const path = join(import.meta.dirname, "..", "src", "tensors", "number-list-wasm.ts");
writeFileSync(path, moduleText(await compile("number-list.ts")));
