// Finds, in /proc, the processes that clients of a port talk to.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const listening = "0A";

/** Inodes of the sockets that listen on the port: /proc/net/tcp, man 5 proc. */
export function parseListeningInodes(table: string, port: number): readonly string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
  return rows.flatMap(([, local, , state, , , , , , inode]) =>
    local?.endsWith(`:${hexPort}`) && state === listening && inode !== undefined ? [inode] : [],
  );
}

/** Undefined for a descriptor that has been closed since it was listed. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function holds(pid: number, sockets: readonly string[]): boolean {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((descriptor) => {
    const target = readLink(`${folder}/${descriptor}`);
    return target !== undefined && sockets.includes(target);
  });
}

/** Those of the processes that hold a socket which listens on the port. */
export function findListeners(port: number, pids: readonly number[]): readonly number[] {
  const table = readFileSync("/proc/net/tcp", "utf8");
  const sockets = parseListeningInodes(table, port).map((inode) => `socket:[${inode}]`);
  return pids.filter((pid) => holds(pid, sockets));
}
