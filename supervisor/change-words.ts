/* What is said of a change that is done. */

const pastWords = {
  load: "is loaded",
  unload: "is unloaded",
  restart: "has been restarted",
  delete: "is deleted",
  patch: "is changed",
} as const;

export function changeWords(
  type: keyof typeof pastWords,
  name: string,
  version: string | null,
): string {
  const what = version === null ? `model '${name}'` : `version '${version}' of model '${name}'`;
  return `${what} ${pastWords[type]}`;
}
