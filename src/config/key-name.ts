/** `maxBodyBytes` → `max_body_bytes`, as files spell it. */
export function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `maxBodyBytes` → `--max-body-bytes`. */
export function flagName(key: string): string {
  return `--${snakeCase(key).replaceAll("_", "-")}`;
}

/** `maxBodyBytes` → `TROUPE_MAX_BODY_BYTES`. */
export function environmentName(key: string): string {
  return `TROUPE_${snakeCase(key).toUpperCase()}`;
}
