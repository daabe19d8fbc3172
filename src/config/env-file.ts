/* The `.env` file of the working folder: names and values of the environment, a line each. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { type Refusal, refusal } from "./given-setting.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export type EnvFileVerdict = { readonly type: "read"; readonly environment: Environment } | Refusal;

const envFile = ".env";

/** What it says, under what the environment says itself. */
export function withEnvFile(environment: Environment, cwd: string): EnvFileVerdict {
  try {
    const said = parseEnv(readFileSync(resolve(cwd, envFile), "utf8"));
    return { type: "read", environment: { ...said, ...environment } };
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    if (code === "ENOENT") return { type: "read", environment };
    return refusal(`${envFile} cannot be read (${code})`);
  }
}
