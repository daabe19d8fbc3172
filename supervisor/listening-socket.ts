/*
 * The one socket that callers reach: bound here, listened and accepted on in the front doors, which get its handle.
 * `net.Server` would accept here as well, so the handle comes from the function that node:cluster itself uses.
 */
import { lookup } from "node:dns/promises";
import net from "node:net";
import { getSystemErrorName } from "node:util";
import type { SendHandle } from "./child-process.ts";

interface TcpHandle {
  getsockname(out: { port?: number }): number;
  close(): void;
}

interface Internals {
  /** A negative number is an error of the operating system. */
  _createServerHandle(address: string, port: number, family: number): TcpHandle | number;
}

export type Binding =
  | { readonly type: "bound"; readonly handle: SendHandle; readonly port: number; close(): void }
  | { readonly type: "refused"; readonly reason: string };

export async function bind(host: string, port: number): Promise<Binding> {
  const found = await lookup(host).catch(() => undefined);
  if (found === undefined) return { type: "refused", reason: `the address ${host} is not known` };
  const { _createServerHandle: create } = net as unknown as Internals;
  const handle = create(found.address, port, found.family);
  if (typeof handle === "number") return { type: "refused", reason: words(handle, host, port) };
  const name: { port?: number } = {};
  const error = handle.getsockname(name);
  if (error !== 0) return { type: "refused", reason: words(error, host, port) };
  const sendable = handle as unknown as SendHandle;
  return { type: "bound", handle: sendable, port: name.port ?? port, close: () => handle.close() };
}

function words(error: number, host: string, port: number): string {
  const name = getSystemErrorName(error);
  if (name === "EADDRINUSE") return `port ${port} of ${host} is in use`;
  if (name === "EACCES") return `port ${port} of ${host} needs more rights`;
  return `port ${port} of ${host} cannot be bound (${name})`;
}
