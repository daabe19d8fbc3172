/* What the command line reads of the environment. */

export interface ClientEnvironment {
  readonly url: string;
  readonly apiKey: string | undefined;
  /** Undefined leaves it to whether there is a terminal. */
  readonly colours: boolean | undefined;
}

const urlName = "TROUPE_URL";
const apiKeyName = "TROUPE_API_KEY";
export const clientNames: readonly string[] = [urlName, apiKeyName];
const defaultUrl = "http://127.0.0.1:8080";

export function readProcessClient(): ClientEnvironment {
  return readClientEnvironment(process.env);
}

export function readClientEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): ClientEnvironment {
  return {
    url: filled(environment[urlName]) ?? defaultUrl,
    apiKey: filled(environment[apiKeyName]),
    colours: coloursIn(environment),
  };
}

/** https://no-color.org: any value but an empty one says no. */
function coloursIn({
  NO_COLOR: no,
  FORCE_COLOR: force,
  TERM: terminal,
}: Readonly<Record<string, string | undefined>>): boolean | undefined {
  if (filled(no) !== undefined || terminal === "dumb") return false;
  return filled(force) === undefined ? undefined : force !== "0";
}

function filled(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
