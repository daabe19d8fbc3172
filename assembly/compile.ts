import asc from "assemblyscript/asc";

const settings = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--use", "abort="];

/** The WebAssembly of a file of this folder: the same bytes in every run, as the compiler has one fixed version. */
export async function compile(file: string): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [file, "--baseDir", import.meta.dirname, "--outFile", "it.wasm", ...settings],
    {
      writeFile: (_name, content) => {
        if (typeof content !== "string") wasm = content;
      },
    },
  );
  if (error !== null || wasm === undefined) throw new Error(`Cannot compile ${file}: ${stderr}`);
  return wasm;
}

export function moduleText(wasm: Uint8Array): string {
  return `// Made from assembly/number-list.ts by \`npm run assembly\`; a test makes it anew and compares.
export const numberListWasm =
  "${Buffer.from(wasm).toString("base64")}";
`;
}
