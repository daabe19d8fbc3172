import { clientNames } from "./client-environment.ts";
import { type GivenSetting, type Refusal, refusal } from "./given-setting.ts";
import { environmentName } from "./key-name.ts";
import { suggest } from "./nearest.ts";
import { quote } from "./quote.ts";
import { settingKeys } from "./setting-table.ts";

export type EnvironmentVerdict =
  | {
      readonly type: "read";
      readonly given: readonly GivenSetting[];
      readonly configFile: string | undefined;
    }
  | Refusal;

export type Environment = Readonly<Record<string, string | undefined>>;

const configName = environmentName("config");
const keyOfName = new Map(settingKeys.map((key) => [environmentName(key), key]));
/** Those of the command line stand beside the server's, and mean nothing to it. */
const knownNames = [...keyOfName.keys(), configName, ...clientNames];

export function readEnvironment(environment: Environment): EnvironmentVerdict {
  const ours = Object.entries(environment).flatMap(([name, text]) =>
    name.startsWith("TROUPE_") && text !== undefined && !isServiceLink(name, text)
      ? [{ name, text }]
      : [],
  );
  const stranger = ours.find(({ name }) => !knownNames.includes(name))?.name;
  if (stranger !== undefined) {
    const words = `unknown environment variable ${quote(stranger)}`;
    return refusal(`${words}${suggest(stranger, knownNames)}`);
  }
  const given = ours.flatMap(({ name, text }): GivenSetting[] => {
    const key = keyOfName.get(name);
    return key === undefined ? [] : [{ key, text, origin: { type: "environment", name } }];
  });
  return { type: "read", given, configFile: environment[configName] };
}

const serviceName = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;

/**
 * Kubernetes tells every pod of the services beside it: one called `troupe` makes TROUPE_PORT=tcp://10.0.0.1:8080,
 * TROUPE_SERVICE_HOST and more. None of them is meant for us.
 * https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
 */
function isServiceLink(name: string, text: string): boolean {
  return serviceName.test(name) || (name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(text));
}
