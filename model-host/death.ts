/** Without its engine a host is of no use: the supervisor makes another one. */
export function die(reason: string): void {
  process.stderr.write(`${reason}\n`);
  process.kill(process.pid, "SIGABRT");
}
